import { createHash } from 'node:crypto';
import type { CreateEventRequest } from '../domain/event-input.ts';

/** Returns a hexadecimal SHA-256 hash of the requested event. It does not depend on the idempotency key. */
export function fingerprintOf({ idempotencyKey: _key, ...request }: CreateEventRequest): string {
  const { name, description, venue, startsAt, totalSeats, ...more } = request;
  // Later fields are included only if they are set, so that the fingerprints of older requests do not change.
  const added = Object.entries<unknown>(more).filter(([, value]) => value != null);
  const asked = JSON.stringify([name, description ?? null, venue ?? null, startsAt, totalSeats, ...added]);
  return createHash('sha256').update(asked).digest('hex');
}
