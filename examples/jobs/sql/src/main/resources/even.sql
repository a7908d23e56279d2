-- Counts the even numbers by their last two digits.
CREATE TABLE numbers (n BIGINT) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '20',
  'fields.n.kind' = 'random',
  'fields.n.min' = '0',
  'fields.n.max' = '1000000'
);

CREATE TABLE counts (ending BIGINT, seen BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO counts SELECT MOD(n, 100), COUNT(*) FROM numbers WHERE MOD(n, 2) = 0 GROUP BY MOD(n, 100);
