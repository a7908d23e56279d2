-- Orders as they come in, summed up by ten seconds, and printed: kubectl logs of the TaskManager shows them.
CREATE TABLE orders (
  customer INT,
  amount DECIMAL(10, 2),
  at_time AS PROCTIME()
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '20',
  'fields.customer.min' = '1',
  'fields.customer.max' = '5',
  'fields.amount.min' = '1',
  'fields.amount.max' = '100'
);

CREATE TABLE totals (
  customer INT,
  window_end TIMESTAMP(3),
  total DECIMAL(38, 2)
) WITH (
  'connector' = 'print'
);

INSERT INTO totals
SELECT customer, window_end, SUM(amount)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at_time), INTERVAL '10' SECOND))
GROUP BY customer, window_start, window_end;
