import { expect, test } from 'vitest';
import { afterFailedAttempt, completeDelivery } from './delivery.ts';
import type { Notification } from './notification.ts';

test('failed attempts are retried after growing pauses of at most an hour, for the configured hours', () => {
  const pausesS = (retryHours: number) => {
    const outcomes = Array.from({ length: 100 }, (_, index) => afterFailedAttempt(index + 1, retryHours));
    const last = outcomes.findIndex(({ status }) => status === 'FAILED');
    expect(outcomes.slice(last).every(({ status }) => status === 'FAILED')).toBe(true);
    return outcomes.slice(0, last).map((outcome) => ('retryInMs' in outcome ? outcome.retryInMs / 1_000 : 0));
  };
  expect(pausesS(1)).toEqual([1, 5, 30, 120, 600, 1_800]);
  expect(pausesS(2)).toEqual([1, 5, 30, 120, 600, 1_800, 3_600]);
  const day = pausesS(24);
  const sumS = day.reduce((sum, pause) => sum + pause, 0);
  expect(sumS).toBeLessThanOrEqual(24 * 3_600);
  expect(sumS).toBeGreaterThan(23 * 3_600);
  expect(day).toHaveLength(29);
});

const notification: Notification = {
  id: 'notification-1',
  bookingId: 'booking-1',
  userId: 'user-1',
  eventId: 'event-1',
  seatCount: 2,
  kind: 'BOOKING_CONFIRMED',
  channel: 'LOG',
  status: 'PENDING',
  attempts: 1,
  createdAt: new Date(0),
  sentAt: null,
  expiresAt: null,
  requestId: null,
  traceparent: null,
  reason: null,
  changeId: null,
};
const recipient = { name: 'Ada', email: 'ada@example.com' };
const event = { name: 'Concert', venue: null, startsAt: new Date(0), timeZone: 'UTC' };

test('a delivery requires a known recipient and a known event', () => {
  expect(completeDelivery({ notification, recipient, event })).toEqual({ notification, recipient, event });
  expect(() => completeDelivery({ notification, recipient: undefined, event })).toThrow('recipient is not known');
  expect(() => completeDelivery({ notification, recipient, event: undefined })).toThrow('event is not known');
});
