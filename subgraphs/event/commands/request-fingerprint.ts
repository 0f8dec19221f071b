import { createHash } from 'node:crypto';
import type { CreateEventRequest } from '../domain/event-input.ts';

/** A SHA-256 hash in hexadecimal of the requested event. It does not depend on the idempotency key. */
export function fingerprintOf({ name, description, venue, startsAt, totalSeats }: CreateEventRequest): string {
  const asked = JSON.stringify([name, description ?? null, venue ?? null, startsAt, totalSeats]);
  return createHash('sha256').update(asked).digest('hex');
}
