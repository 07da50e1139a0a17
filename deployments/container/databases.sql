-- Read once, when PostgreSQL makes its folder: Prefect's server has a database of its own beside bihuan's.
CREATE DATABASE prefect OWNER bihuan;
