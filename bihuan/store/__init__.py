"""The database: engine, migrations, queries."""
