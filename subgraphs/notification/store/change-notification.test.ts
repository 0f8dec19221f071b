import { v7 as newId } from 'uuid';
import { expect, test } from 'vitest';
import { isId } from '#platform/errors/validation.ts';
import type { EventChange } from '../domain/event-change.ts';
import { changeNotification } from './change-notification.ts';

const change: EventChange = {
  id: newId(),
  eventId: newId(),
  startsAt: new Date(0),
  venue: 'Hall',
  previousStartsAt: new Date(0),
  previousVenue: null,
  changedAt: new Date('2030-06-01T19:30:00.123Z'),
  requestId: null,
};
const idOf = (userId: string, of = change) => changeNotification(of, { userId, seatCount: 2 }, 'LOG').id;

test('the notification of a user about a change always has the same id', () => {
  const [ada, bob] = [newId(), newId()];
  expect(idOf(ada)).toBe(idOf(ada));
  const ids = [idOf(ada), idOf(bob), idOf(ada, { ...change, id: newId() })];
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(isId(id)).toBe(true);
});

test('its id sorts by the time of the change', () => {
  const later = { ...change, changedAt: new Date(change.changedAt.getTime() + 1) };
  const users = Array.from({ length: 100 }, () => newId());
  const before = users.map((userId) => idOf(userId)).sort();
  const after = users.map((userId) => idOf(userId, later)).sort();
  expect((before.at(-1) ?? '') < (after[0] ?? '')).toBe(true);
  expect(new Set([...before, ...after]).size).toBe(200);
});
