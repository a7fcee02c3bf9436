"""Alembic's entry: runs our migrations on the connection that notify.schema hands over."""

from alembic import context
from sqlmodel import SQLModel

import notify.identity.identity_tables
import notify.partners.webhook_tables
import notify.received.tables
import notify.staff.paging_tables
import notify.staff.staff_tables
import notify.tables
import notify.websub.websub_tables
import subscribers.gazetteer.tables
import subscribers.tables
import surge.desk.desk_tables
import surge.floor.floor_tables
import surge.numbers.number_tables
import surge.recorded.recorded_tables
import surge.tables

# Importing a module registers its tables.
REGISTERED = (
    notify.identity.identity_tables,
    notify.partners.webhook_tables,
    notify.received.tables,
    notify.staff.paging_tables,
    notify.staff.staff_tables,
    notify.tables,
    notify.websub.websub_tables,
    subscribers.gazetteer.tables,
    subscribers.tables,
    surge.desk.desk_tables,
    surge.floor.floor_tables,
    surge.numbers.number_tables,
    surge.recorded.recorded_tables,
    surge.tables,
)

assert notify.tables.Delivery.__table__.metadata is SQLModel.metadata  # type: ignore[attr-defined]

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
