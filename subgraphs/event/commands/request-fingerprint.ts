import { createHash } from 'node:crypto';
import type { CreateEventRequest } from '../domain/event-input.ts';

/** A SHA-256 hash in hexadecimal of the requested event. It does not depend on the idempotency key. */
export function fingerprintOf({ idempotencyKey: _key, ...request }: CreateEventRequest): string {
  const { name, description, venue, startsAt, totalSeats, ...more } = request;
  // A field that was added later counts only where it is given: older fingerprints stay what they are.
  const added = Object.entries<unknown>(more).filter(([, value]) => value != null);
  const asked = JSON.stringify([name, description ?? null, venue ?? null, startsAt, totalSeats, ...added]);
  return createHash('sha256').update(asked).digest('hex');
}
