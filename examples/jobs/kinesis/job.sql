-- Orders to a stream of Kinesis, and from it back, summed up by minute: the TaskManager's log shows them.
CREATE TABLE orders (
  customer INT,
  amount DECIMAL(10, 2)
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '20',
  'fields.customer.min' = '1',
  'fields.customer.max' = '5',
  'fields.amount.min' = '1',
  'fields.amount.max' = '100'
);

CREATE TABLE stream (
  customer INT,
  amount DECIMAL(10, 2),
  at_time AS PROCTIME()
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${stream}',
  'aws.region' = '${region}',
  'source.init.position' = 'LATEST',
  'format' = 'json'
);

CREATE TABLE totals (
  customer INT,
  window_end TIMESTAMP(3),
  total DECIMAL(38, 2)
) WITH (
  'connector' = 'print'
);

INSERT INTO stream SELECT customer, amount FROM orders;

INSERT INTO totals
SELECT customer, window_end, SUM(amount)
FROM TABLE(TUMBLE(TABLE stream, DESCRIPTOR(at_time), INTERVAL '1' MINUTE))
GROUP BY customer, window_start, window_end;
