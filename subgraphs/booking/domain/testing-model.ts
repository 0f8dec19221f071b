import type { HoldStatus } from './hold.ts';
import type { WaitlistStatus } from './waitlist.ts';

export const EVENTS = 3;
export const SEATS = 6;
export type Window = 'open' | 'sales-not-started' | 'sales-ended';

/** A model of the booking rules without a database, short enough to be verified by reading. */
export class Model {
  events = Array.from({ length: EVENTS }, () => ({
    total: SEATS,
    cancelled: false,
    window: 'open' as Window,
    limit: null as number | null,
    isCancellationOver: false,
    version: 1,
  }));
  bookings: {
    event: number;
    user: string;
    seats: number;
    confirmed: boolean;
    reason: string | null;
    checkedIn: number;
  }[] = [];
  keys = new Map<string, number>();
  holds: { event: number; user: string; seats: number; status: HoldStatus; isOver: boolean }[] = [];
  holdKeys = new Map<string, number>();
  entries: { event: number; user: string; seats: number; status: WaitlistStatus; hold: number | null }[] = [];
  /** The seats of each device key of a booking. */
  checkIns = new Map<string, number>();

  waiting(event: number) {
    return this.entries.filter((one) => one.event === event && one.status === 'WAITING');
  }
  held(event: number, user?: string): number {
    return sumOf(this.holds.filter((one) => one.status === 'HELD' && isOf(one, event, user)));
  }
  taken(event: number, user?: string): number {
    return sumOf(this.bookings.filter((one) => one.confirmed && isOf(one, event, user))) + this.held(event, user);
  }
  free(event: number): number {
    return (this.events[event]?.total ?? 0) - this.taken(event);
  }
  /** Expired holds of an event end with the next request for it, and its waiting list is served before and after it. */
  request<Result>(event: number, run: () => Result): Result {
    this.expire(event);
    this.serve(event);
    const result = run();
    this.serve(event);
    return result;
  }
  expire(event: number): void {
    for (const one of this.holds)
      if (one.event === event && one.status === 'HELD' && one.isOver) one.status = 'EXPIRED';
  }
  serve(event: number): void {
    const { cancelled = false, window = 'open', limit = null } = this.events[event] ?? {};
    if (cancelled || window === 'sales-ended') for (const one of this.waiting(event)) one.status = 'ENDED';
    if (window !== 'open') return;
    for (;;) {
      const next = this.waiting(event).find(({ seats }) => seats <= this.free(event));
      if (next === undefined) return;
      if (limit !== null && this.taken(event, next.user) + next.seats > limit) next.status = 'ENDED';
      else {
        Object.assign(next, { status: 'OFFERED', hold: this.holds.length });
        this.holds.push({ event, user: next.user, seats: next.seats, status: 'HELD', isOver: false });
      }
    }
  }
  refusal(event: number, user: string, seats: number): string | undefined {
    const { cancelled = false, window = 'open', limit = null } = this.events[event] ?? {};
    if (cancelled) return 'not-bookable';
    if (window !== 'open') return window;
    if (limit !== null && this.taken(event, user) + seats > limit)
      return `user-limit-reached ${Math.max(0, limit - this.taken(event, user))}`;
    return this.free(event) < seats ? 'sold-out' : undefined;
  }
  book(event: number, user: string, seats: number, key: string): string {
    return this.request(event, () => {
      const known = this.keys.get(user + key);
      const earlier = known === undefined ? undefined : this.bookings[known];
      if (earlier !== undefined)
        return earlier.event === event && earlier.seats === seats ? `replayed ${known}` : 'key-reused';
      const refusal = this.refusal(event, user, seats);
      if (refusal !== undefined) return refusal;
      this.keys.set(user + key, this.bookings.length);
      this.bookings.push({ event, user, seats, confirmed: true, reason: null, checkedIn: 0 });
      return 'booked';
    });
  }
  hold(event: number, user: string, seats: number, key: string): string {
    return this.request(event, () => {
      const known = this.holdKeys.get(user + key);
      const earlier = known === undefined ? undefined : this.holds[known];
      if (earlier !== undefined)
        return earlier.event === event && earlier.seats === seats
          ? `replayed ${known} ${earlier.status}`
          : 'key-reused';
      const refusal = this.refusal(event, user, seats);
      if (refusal !== undefined) return refusal;
      this.holdKeys.set(user + key, this.holds.length);
      this.holds.push({ event, user, seats, status: 'HELD', isOver: false });
      return `held ${this.holds.length - 1}`;
    });
  }
  confirm(hold: number): string {
    const one = this.holds[hold];
    if (one === undefined) return 'unknown-hold';
    return this.request(one.event, () => {
      if (one.status === 'CONFIRMED') return 'confirmed again';
      if (one.status !== 'HELD') return `hold-ended ${one.status}`;
      if (this.events[one.event]?.cancelled) return 'not-bookable';
      one.status = 'CONFIRMED';
      this.bookings.push({
        event: one.event,
        user: one.user,
        seats: one.seats,
        confirmed: true,
        reason: null,
        checkedIn: 0,
      });
      return 'confirmed';
    });
  }
  release(hold: number): string {
    const one = this.holds[hold];
    if (one === undefined) return 'unknown-hold';
    return this.request(one.event, () => {
      if (one.status === 'HELD') one.status = 'RELEASED';
      return one.status === 'CONFIRMED' ? 'hold-confirmed' : `released ${one.status}`;
    });
  }
  join(event: number, user: string, seats: number): string {
    return this.request(event, () => {
      const known = this.entries.findLastIndex(
        (one) =>
          one.event === event &&
          one.user === user &&
          (one.status === 'WAITING' || (one.hold !== null && this.holds[one.hold]?.status === 'HELD')),
      );
      if (known >= 0) return this.entries[known]?.seats === seats ? `replayed ${known}` : 'already-waiting';
      const refusal = this.refusal(event, user, seats) ?? 'seats-available';
      if (refusal !== 'sold-out') return refusal;
      this.entries.push({ event, user, seats, status: 'WAITING', hold: null });
      return 'joined';
    });
  }
  leave(entry: number): string {
    const one = this.entries[entry];
    if (one === undefined) return 'unknown-entry';
    return this.request(one.event, () => {
      if (one.status === 'OFFERED') return 'seats-offered';
      if (one.status === 'WAITING') one.status = 'LEFT';
      return `left ${one.status}`;
    });
  }
  cancel(booking: number, by: { isAdmin: boolean; reason: string | null }): string {
    const one = this.bookings[booking];
    if (one === undefined) return 'unknown-booking';
    return this.request(one.event, () => {
      if (!one.confirmed) return 'cancelled';
      if (one.checkedIn > 0 && !this.events[one.event]?.cancelled) return 'booking-checked-in';
      if (this.events[one.event]?.isCancellationOver && !by.isAdmin) return 'cancellation-closed';
      Object.assign(one, { confirmed: false, reason: by.reason });
      return 'cancelled';
    });
  }
  checkIn(booking: number, seats: number, key: string): string {
    const one = this.bookings[booking];
    if (one === undefined) return 'unknown-booking';
    return this.request(one.event, () => {
      if (!one.confirmed || this.events[one.event]?.cancelled) return 'ticket-cancelled';
      const earlier = this.checkIns.get(`${booking} ${key}`);
      if (earlier !== undefined) return earlier === seats ? 'replayed' : 'key-reused';
      const left = one.seats - one.checkedIn;
      if (left < seats) return `too-many-seats ${left}`;
      this.checkIns.set(`${booking} ${key}`, seats);
      one.checkedIn += seats;
      return 'checked-in';
    });
  }
  checkedIn(event: number): number {
    return this.bookings.reduce((sum, one) => sum + (one.event === event ? one.checkedIn : 0), 0);
  }
  setCapacity(event: number, total: number): string {
    return this.request(event, () => {
      const one = this.events[event];
      if (one?.cancelled) return 'event-cancelled';
      if (one === undefined || total < one.total - this.free(event)) return 'capacity-below-booked';
      one.total = total;
      return 'capacity-set';
    });
  }
  sweep(event: number): void {
    this.request(event, () => undefined);
  }
  setSale(event: number, sale: { window: Window; limit: number | null; isCancellationOver: boolean }): void {
    const one = this.events[event];
    if (one !== undefined) Object.assign(one, sale, { version: one.version + 1 });
  }
  close(event: number, reason: string | null): void {
    const one = this.events[event];
    if (one !== undefined) Object.assign(one, { cancelled: true, version: one.version + 1 });
    for (const booking of this.bookings)
      if (booking.event === event && booking.confirmed) Object.assign(booking, { confirmed: false, reason });
    this.expire(event);
    for (const hold of this.holds) if (hold.event === event && hold.status === 'HELD') hold.status = 'RELEASED';
  }
}

const isOf = (one: { event: number; user: string }, event: number, user: string | undefined): boolean =>
  one.event === event && (user === undefined || one.user === user);
const sumOf = (all: readonly { seats: number }[]): number => all.reduce((sum, { seats }) => sum + seats, 0);
