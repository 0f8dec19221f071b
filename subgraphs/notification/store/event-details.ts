import { sqltag as sql } from '@prisma/client/runtime/client';
import { type SqlExecutor, sqlTime } from '#platform/database/database.ts';
import type { EventDetails } from '../domain/delivery.ts';

/** An event's facts in one version. */
export interface EventDetailsSnapshot extends EventDetails {
  readonly eventId: string;
  readonly version: number;
  readonly organizerId: string;
}

/** Saves event facts, in any order. For each event, only the highest version is kept. The organizer never changes. */
export async function saveEventDetails(
  transaction: SqlExecutor,
  facts: readonly EventDetailsSnapshot[],
): Promise<void> {
  const rows = facts.map(({ startsAt, ...fact }) => ({ ...fact, startsAt: sqlTime(startsAt) }));
  await transaction.$executeRaw(sql`
    INSERT INTO event_facts (event_id, name, venue, starts_at, version, organizer_id)
    SELECT event_id, name, venue, starts_at, version, organizer_id FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.eventId',
      name VARCHAR(200) PATH '$.name',
      venue VARCHAR(200) PATH '$.venue',
      starts_at DATETIME(3) PATH '$.startsAt',
      version INT PATH '$.version',
      organizer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.organizerId'
    )) AS fact
    ON DUPLICATE KEY UPDATE
      name = IF(VALUES(version) > event_facts.version, VALUES(name), event_facts.name),
      venue = IF(VALUES(version) > event_facts.version, VALUES(venue), event_facts.venue),
      starts_at = IF(VALUES(version) > event_facts.version, VALUES(starts_at), event_facts.starts_at),
      version = GREATEST(VALUES(version), event_facts.version),
      organizer_id = VALUES(organizer_id)`);
}
