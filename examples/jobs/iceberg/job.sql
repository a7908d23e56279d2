-- Orders into a table of Iceberg. A commit of the table goes with each checkpoint.
CREATE CATALOG lake WITH (
  'type' = 'iceberg',
  ${catalog},
  'warehouse' = '${warehouse}'
);

CREATE DATABASE IF NOT EXISTS lake.${database};

CREATE TABLE IF NOT EXISTS lake.${database}.orders (
  customer INT,
  amount DECIMAL(10, 2),
  at_time TIMESTAMP(3)
) PARTITIONED BY (customer);

CREATE TEMPORARY TABLE generated (
  customer INT,
  amount DECIMAL(10, 2),
  at_time AS CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '20',
  'fields.customer.min' = '1',
  'fields.customer.max' = '5',
  'fields.amount.min' = '1',
  'fields.amount.max' = '100'
);

INSERT INTO lake.${database}.orders SELECT customer, amount, at_time FROM generated;
