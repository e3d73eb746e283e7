-- Questions in SQL, for the shell:  sqlite3 -readonly DIR/server_analysis.db < docs/queries.sql
-- host_info: the hosts' hardware; host_usage: what they use, every five minutes, for seven days;
-- analysis_results: every analysis.

-- Hosts by number of CPUs, those with the most memory first.
SELECT cpu_number, id AS host_id, hostname, total_mem FROM host_info
 ORDER BY cpu_number, total_mem DESC;

-- Memory in use, of a host and five minutes, in percent.
SELECT u.host_id, i.hostname,
       datetime(strftime('%s', u."timestamp") / 300 * 300, 'unixepoch') AS five_minutes,
       round(avg((i.total_mem - u.memory_free) * 100.0 / i.total_mem)) AS avg_used_mem_percentage
  FROM host_usage u JOIN host_info i ON i.id = u.host_id
 GROUP BY u.host_id, five_minutes ORDER BY u.host_id, five_minutes;

-- Integrity: hosts that were silent, where more than three rows of an hour are missing.
SELECT host_id, strftime('%Y-%m-%d %H:00', "timestamp") AS hour, count(*) AS rows_seen
  FROM host_usage
 WHERE "timestamp" < strftime('%Y-%m-%d %H:00', 'now')
 GROUP BY host_id, hour HAVING count(*) < 9;

-- Integrity: rows that stand twice, or of no known host, or out of range.
SELECT host_id, "timestamp", count(*) FROM host_usage GROUP BY 1, 2 HAVING count(*) > 1;
SELECT count(*) AS of_no_host FROM host_usage WHERE host_id NOT IN (SELECT id FROM host_info);
SELECT * FROM host_usage WHERE cpu_idle NOT BETWEEN 0 AND 100 OR memory_free < 0;

-- How many rows there are, from when to when.
SELECT count(*), min("timestamp"), max("timestamp") FROM host_usage;

-- Analyses, as the table was first described.
SELECT id, data, result FROM analysis_results ORDER BY id DESC LIMIT 10;
SELECT * FROM analysis_results LIMIT 1;
SELECT predicted_class, count(*) FROM analysis_results GROUP BY predicted_class;
SELECT date(created_at) AS day, count(*) FROM analysis_results GROUP BY day;

-- Raw samples lie in the store, not in this database. To ask them in SQL:
--   galen export --format sqlite --output raw.db '{instance="web1"}'
--   sqlite3 raw.db "SELECT time, value FROM sample_rows WHERE name = 'node_load1' ORDER BY t_ms"
--   sqlite3 raw.db "SELECT name, labels ->> '$.cpu' AS cpu, count(*), avg(value)
--                     FROM samples JOIN series ON series.id = series_id GROUP BY series.id"
