"""The tables of saved views of Trends, and of the view that each user begins with."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text

from records.tables.base import Base, Mapped, mapped_column


class SavedView(Base):
    """A view of Trends under a name.

    owner: the name of its user; "" where nobody signs in.
    name: unique among the views of the owner.
    query: the query of its address.
    shared: whether all users see it, and administrators may change it.
    created_at: when it was saved.
    """

    __tablename__ = "saved_views"
    __table_args__ = (Index("ix_saved_views_owner", "owner", "name", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(Text)
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class DefaultView(Base):
    """The view that Trends opens with. owner: as above. It goes with the view."""

    __tablename__ = "default_views"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    view_pk: Mapped[int] = mapped_column(ForeignKey("saved_views.id", ondelete="CASCADE"))
