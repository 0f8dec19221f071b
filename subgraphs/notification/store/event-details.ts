import { sqltag as sql } from '@prisma/client/runtime/client';
import { type SqlExecutor, sqlTime } from '#platform/database/database.ts';
import type { EventDetails } from '../domain/delivery.ts';

/** An event's facts in one version. */
export interface EventDetailsSnapshot extends Omit<EventDetails, 'timeZone'> {
  readonly eventId: string;
  /** Undefined when the sender does not know it: it does not change then. */
  readonly timeZone?: string | undefined;
  readonly status: 'SCHEDULED' | 'CANCELLED';
  readonly version: number;
  readonly organizerId: string;
}

/**
 * Saves event facts, in any order. For each event, only the highest version is kept. The organizer never changes. The time
 * zone is also saved when the version is known, because an older release could have saved it without the zone.
 */
export async function saveEventDetails(
  transaction: SqlExecutor,
  facts: readonly EventDetailsSnapshot[],
): Promise<void> {
  const rows = facts.map(({ startsAt, ...fact }) => ({ ...fact, startsAt: sqlTime(startsAt) }));
  await transaction.$executeRaw(sql`
    INSERT INTO event_facts (event_id, name, venue, starts_at, time_zone, status, version, organizer_id)
    SELECT event_id, name, venue, starts_at, time_zone, status, version, organizer_id
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.eventId',
      name VARCHAR(200) PATH '$.name',
      venue VARCHAR(200) PATH '$.venue',
      starts_at DATETIME(3) PATH '$.startsAt',
      time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.timeZone',
      status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$.status',
      version INT PATH '$.version',
      organizer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.organizerId'
    )) AS fact
    ON DUPLICATE KEY UPDATE
      name = IF(VALUES(version) > event_facts.version, VALUES(name), event_facts.name),
      venue = IF(VALUES(version) > event_facts.version, VALUES(venue), event_facts.venue),
      starts_at = IF(VALUES(version) > event_facts.version, VALUES(starts_at), event_facts.starts_at),
      status = IF(VALUES(version) > event_facts.version, VALUES(status), event_facts.status),
      time_zone = IF(
        VALUES(time_zone) IS NOT NULL AND VALUES(version) >= event_facts.version,
        VALUES(time_zone), event_facts.time_zone),
      version = GREATEST(VALUES(version), event_facts.version),
      organizer_id = VALUES(organizer_id)`);
}
