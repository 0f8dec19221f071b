import { describe, expect, it } from 'vitest';
import { createCatalogue, DEMO_USER } from './catalogue.ts';

const { users, events } = createCatalogue();
const bookings = events.flatMap((event) => event.bookings.map((booking) => ({ event, ...booking })));
const bookedSeats = (event: (typeof events)[number]) =>
  event.bookings.reduce((seats, { seatCount, isCancelled }) => seats + (isCancelled ? 0 : seatCount), 0);
const freeSeats = events.map((event) => event.totalSeats - bookedSeats(event));

describe('The demo catalogue', () => {
  it('has 200 users, 30 events and at most 450 bookings, so that one admin may make them within a minute', () => {
    expect(new Set(users.map(({ email }) => email)).size).toBe(200);
    expect(new Set(users.map(({ name }) => name)).size).toBe(200);
    expect(new Set(events.map(({ name }) => name)).size).toBe(30);
    expect(bookings.length).toBeGreaterThan(300);
    expect(bookings.length).toBeLessThanOrEqual(450);
  });

  it('has sold-out events, one nearly sold-out event, a cancelled event, and no event with too many bookings', () => {
    expect(Math.min(...freeSeats)).toBe(0);
    expect(freeSeats.filter((seats) => seats === 0)).toHaveLength(3);
    expect(events.filter((event, index) => freeSeats[index] === 2 && event.totalSeats > 2)).toHaveLength(1);
    expect(events.filter(({ isCancelled }) => isCancelled)).toHaveLength(1);
    expect(bookings.every(({ seatCount }) => seatCount >= 1 && seatCount <= 10)).toBe(true);
  });

  it('has each user at most once on an event, and events at many venues by many organizers', () => {
    const pairs = bookings.map(({ event, user }) => `${event.name} ${user.email}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(new Set(events.map(({ organizer }) => organizer.email)).size).toBeGreaterThanOrEqual(8);
    expect(new Set(events.map(({ venue }) => venue)).size).toBeGreaterThanOrEqual(20);
  });

  it('gives the demo user events of its own, and confirmed and cancelled bookings', () => {
    const demos = bookings.filter(({ user }) => user === DEMO_USER);
    expect(demos.map(({ isCancelled }) => isCancelled).toSorted()).toEqual([false, false, false, false, true]);
    expect(events.filter(({ organizer }) => organizer === DEMO_USER)).toHaveLength(5);
  });

  it('is the same in every run', () => {
    expect(createCatalogue()).toEqual({ users, events });
  });
});
