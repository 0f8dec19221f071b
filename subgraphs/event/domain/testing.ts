import { v7 as newId } from 'uuid';
import type { Event } from './event.ts';

/** Returns an event for a test with these facts. */
export const testEvent = (facts: Partial<Event> = {}): Event => ({
  id: newId(),
  name: 'Concert',
  description: null,
  venue: null,
  salesStartAt: null,
  salesEndAt: null,
  maxSeatsPerUser: null,
  cancellationDeadline: null,
  startsAt: new Date('2026-12-01T20:00:00.000Z'),
  timeZone: 'UTC',
  status: 'SCHEDULED',
  cancellationReason: null,
  organizerId: newId(),
  initialSeats: 100,
  version: 1,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  ...facts,
});
