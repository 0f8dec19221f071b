import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mariadb';
import { v7 as newId } from 'uuid';
import { LocalError } from '#scripts/local/settings.ts';
import type { Run } from './rounds.ts';
import { saveEventFacts } from './system.ts';
import { makeEvents, type Variant } from './variants.ts';

const DRAIN_TIMEOUT_MS = 300_000;

/** One way to do an operation. */
export interface Way {
  readonly label: string;
  /** Prepares the way for one measurement. */
  prepare(): Promise<Run & { check?(): Promise<void> }>;
}

/** Books single seats of new events. The check throws a LocalError when the database lacks a confirmed booking. */
export function bookingWay(
  variant: Variant,
  { admin, events, seats, notifies }: { admin: Connection; events: number; seats: number; notifies: boolean },
): Way {
  return {
    label: variant.label,
    async prepare() {
      const ids = await makeEvents(variant.databaseUrl, events, seats);
      await saveEventFacts(admin, ids);
      return bookingRun(variant, { admin, ids, notifies });
    },
  };
}

/** Books single seats of some events, which nobody else books. */
export function bookingRun(
  variant: Variant,
  { admin, ids, notifies }: { admin: Connection; ids: readonly string[]; notifies: boolean },
) {
  const beforeAll = newId();
  let confirmed = 0;
  return {
    async ask() {
      const result = await variant.book(ids[Math.floor(Math.random() * ids.length)] ?? '');
      if (result === 'confirmed') confirmed += 1;
      return result;
    },
    settle: async () => {
      if (notifies) await waitForNotifications(admin, { after: beforeAll, count: confirmed });
    },
    check: () => checkBookings(admin, variant, { ids, confirmed }),
  };
}

/** Waits until that many notifications are sent, so that this work does not slow the next measurement. */
async function waitForNotifications(admin: Connection, { after, count }: { after: string; count: number }) {
  const giveUpAtMs = Date.now() + DRAIN_TIMEOUT_MS;
  for (;;) {
    const [row] = await admin.query<{ sent: bigint }[]>(
      "SELECT COUNT(*) AS sent FROM notification_db.notifications WHERE status = 'SENT' AND id > ?",
      [after],
    );
    const missing = count - Number(row?.sent);
    if (missing <= 0) return;
    if (Date.now() > giveUpAtMs) throw new LocalError(`${missing} notifications were not sent in time.`);
    await delay(50);
  }
}

async function checkBookings(
  admin: Connection,
  { label, databaseUrl }: Variant,
  { ids, confirmed }: { ids: readonly string[]; confirmed: number },
): Promise<void> {
  const database = new URL(databaseUrl).pathname.slice(1);
  const [sums] = await admin.query<{ booked: bigint | null; taken: bigint }[]>(
    `SELECT (SELECT SUM(seat_count) FROM ${database}.bookings WHERE event_id IN (?) AND status = 'CONFIRMED') AS booked,
            SUM(total_seats - available_seats) AS taken FROM ${database}.inventories WHERE event_id IN (?)`,
    [ids, ids],
  );
  const [booked, taken] = [Number(sums?.booked), Number(sums?.taken)];
  if (booked !== taken || booked !== confirmed) {
    throw new LocalError(`${label}: ${confirmed} confirmed, ${booked} booked, ${taken} seats taken.`);
  }
}
