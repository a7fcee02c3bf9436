"""Alembic's entry: runs our migrations on the connection that notify.schema hands over."""

from alembic import context
from sqlmodel import SQLModel

# Each registers its tables; most are used for nothing else.
import notify.paging_tables
import notify.staff_tables
import notify.tables
import subscribers.gazetteer.tables  # noqa: F401
import subscribers.tables  # noqa: F401
import surge.desk_tables  # noqa: F401
import surge.floor_tables  # noqa: F401
import surge.number_tables  # noqa: F401
import surge.tables  # noqa: F401

assert notify.tables.Delivery.__table__.metadata is SQLModel.metadata  # type: ignore[attr-defined]

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
