import { expect, test } from 'vitest';
import { afterFailedAttempt, completeDelivery } from './delivery.ts';
import type { Notification } from './notification.ts';

test('failed attempts are made again after 1 s, 5 s, 30 s and 2 min; the fifth was the last', () => {
  expect([1, 2, 3, 4, 5].map(afterFailedAttempt)).toEqual([
    { status: 'PENDING', retryInMs: 1_000 },
    { status: 'PENDING', retryInMs: 5_000 },
    { status: 'PENDING', retryInMs: 30_000 },
    { status: 'PENDING', retryInMs: 120_000 },
    { status: 'FAILED' },
  ]);
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
};
const recipient = { name: 'Ada', email: 'ada@example.com' };
const event = { name: 'Concert', venue: null, startsAt: new Date(0) };

test('a delivery needs to know its recipient and its event', () => {
  expect(completeDelivery({ notification, recipient, event })).toEqual({ notification, recipient, event });
  expect(() => completeDelivery({ notification, recipient: undefined, event })).toThrow('recipient is not known');
  expect(() => completeDelivery({ notification, recipient, event: undefined })).toThrow('event is not known');
});
