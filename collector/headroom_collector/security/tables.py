"""Tables of identity in the store: tokens, certificates that were issued, and who is denied."""

from headroom_collector.store.api import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "security",
        1,
        """
        CREATE TABLE access_tokens (
            id VARCHAR NOT NULL, name VARCHAR NOT NULL, role VARCHAR NOT NULL,
            hash VARCHAR NOT NULL, created BIGINT NOT NULL, expires BIGINT, revoked BIGINT);
        CREATE TABLE enrol_tokens (
            id VARCHAR NOT NULL, host VARCHAR NOT NULL, hash VARCHAR NOT NULL,
            created BIGINT NOT NULL, expires BIGINT NOT NULL, used BIGINT, used_by VARCHAR,
            peer VARCHAR);
        CREATE TABLE denied (
            what VARCHAR NOT NULL, value VARCHAR NOT NULL, reason VARCHAR NOT NULL,
            author VARCHAR NOT NULL, since BIGINT NOT NULL);
        CREATE TABLE certificates (
            serial VARCHAR NOT NULL, host VARCHAR NOT NULL, issued BIGINT NOT NULL,
            expires BIGINT NOT NULL, how VARCHAR NOT NULL, peer VARCHAR NOT NULL);
        """,
    ),
)
