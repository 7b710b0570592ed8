-- What dashboards read.

CREATE VIEW merchant_daily_volume AS
SELECT m.id AS merchant_id,
       m.trading_name,
       t.bucket_start::date AS day,
       t.currency,
       sum(t.txn_count) AS txn_count,
       sum(t.gross_amount) AS gross_amount,
       sum(t.net_amount) AS net_amount,
       round(sum(t.declined_count)::numeric / nullif(sum(t.txn_count), 0), 4) AS decline_rate
FROM merchants AS m
JOIN transaction_metrics AS t ON t.merchant_id = m.id
WHERE t.bucket_kind = 'hour' AND m.status IN ('active', 'suspended')
GROUP BY m.id, m.trading_name, day, t.currency;
COMMENT ON VIEW merchant_daily_volume IS 'Payments of live merchants by day and currency';
