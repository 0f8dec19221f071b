import { createHash } from 'node:crypto';
import type { CreateEventRequest } from '../domain/event-input.ts';

/** The same for two requests that ask for the same event, whatever their keys: a SHA-256 hash in hexadecimal. */
export function fingerprintOf({ name, description, venue, startsAt, totalSeats }: CreateEventRequest): string {
  const asked = JSON.stringify([name, description ?? null, venue ?? null, startsAt, totalSeats]);
  return createHash('sha256').update(asked).digest('hex');
}
