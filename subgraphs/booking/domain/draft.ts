import type { Booking } from './booking.ts';
import type { CheckIn } from './check-in.ts';
import type { Hold } from './hold.ts';
import type { Inventory } from './inventory.ts';
import type {
  BookRequest,
  CancelRequest,
  ClosedOutcome,
  ConfirmRequest,
  HoldRequest,
  NotBookable,
  ReleaseRequest,
  SeatsRefusal,
} from './seat-requests.ts';
import type { Line, WaitlistEntry } from './waitlist.ts';

/** The data that a decision needs, read while the inventories are locked. */
export interface LockedState {
  /** The time of the database's clock. */
  readonly now: Date;
  readonly inventories: ReadonlyMap<string, Inventory>;
  /** The bookings to cancel or to check in, and those of the holds to confirm, by id. */
  readonly bookings: ReadonlyMap<string, Booking>;
  /** The earlier bookings with the batch's idempotency keys, by `scopedKey`. */
  readonly keys: ReadonlyMap<string, Booking>;
  /** The confirmed and held seats of the users who want seats of an event with a limit, by `userOfEvent`. Missing: none. */
  readonly userSeats: ReadonlyMap<string, number>;
  /** The holds to confirm or release, by id. */
  readonly holds: ReadonlyMap<string, Hold>;
  /** The earlier holds with the batch's idempotency keys, by `scopedKey`. */
  readonly holdKeys: ReadonlyMap<string, Hold>;
  /** The expired holds of each event whose next expiry is due. */
  readonly expiredHolds: ReadonlyMap<string, ExpiredHolds>;
  /** The waiting list's entries to leave, by id. */
  readonly entries: ReadonlyMap<string, WaitlistEntry>;
  /** The entries of the users who want to join, by `userOfEvent`: those that wait or have an open offer. */
  readonly entriesOfUsers: ReadonlyMap<string, WaitlistEntry>;
  /** The lines of the events whose waiting list can get seats or end, by event id. */
  readonly lines: ReadonlyMap<string, Line>;
  /** The time for which a hold of offered seats keeps them. */
  readonly offerTtlSeconds: number;
  /** Returns the id of a new hold of offered seats. */
  readonly newId: () => string;
  /** The earlier check-ins with the batch's device keys, by `deviceKeyOf`. */
  readonly checkIns: ReadonlyMap<string, CheckIn>;
}

/** The holds of an event that have expired and still have the status HELD. */
export interface ExpiredHolds {
  readonly holds: readonly Hold[];
  /** No other hold expires earlier. It is due when the event can have more expired holds. Null: there is no other hold. */
  readonly nextExpiresAt: Date | null;
}

/** The parts of the locked state for decisions in which nobody joins, leaves or gets an offer. */
export const WITHOUT_WAITLIST: Pick<LockedState, 'entries' | 'entriesOfUsers' | 'lines'> = {
  entries: new Map(),
  entriesOfUsers: new Map(),
  lines: new Map(),
};

const EMPTY_LINE: Line = { waiting: [], seatCountMax: Number.POSITIVE_INFINITY, cutSeatCounts: new Set() };
const UNREAD_LINE: Line = { ...EMPTY_LINE, seatCountMax: 0 };

/** The changes to write before the locks are released. */
export interface Writes {
  readonly booked: readonly { readonly booking: Booking; readonly request: BookRequest }[];
  readonly cancelled: readonly { readonly booking: Booking; readonly request: CancelRequest }[];
  readonly held: readonly { readonly hold: Hold; readonly request: HoldRequest }[];
  /** The bookings of confirmed holds. */
  readonly confirmed: readonly { readonly booking: Booking; readonly request: ConfirmRequest }[];
  /** The confirmed, released and expired holds. An expiry has no request. */
  readonly ended: readonly { readonly hold: Hold; readonly request?: ConfirmRequest | ReleaseRequest }[];
  /** The new entries of waiting lists, as they were when they joined. */
  readonly joined: readonly WaitlistEntry[];
  /** The entries that wait no longer. */
  readonly endedEntries: readonly WaitlistEntry[];
  /** The holds of offered seats. */
  readonly offered: readonly { readonly hold: Hold; readonly entry: WaitlistEntry }[];
  /** The new check-ins, each with its booking after it. */
  readonly checkedIn: readonly { readonly checkIn: CheckIn; readonly booking: Booking }[];
  readonly inventories: readonly Inventory[];
}

type Mutable<Lists> = { -readonly [Name in keyof Lists]: Lists[Name] extends readonly (infer Item)[] ? Item[] : never };

/** Identifies an idempotency key of a caller. The space separates the parts, because a key contains no spaces. */
export const scopedKey = (callerId: string, idempotencyKey: string): string => `${callerId} ${idempotencyKey}`;

/** Identifies a user's seats of an event. */
export const userOfEvent = ({ eventId, userId }: Pick<Booking, 'eventId' | 'userId'>): string => `${eventId} ${userId}`;

type SeatColumn =
  | 'totalSeats'
  | 'availableSeats'
  | 'heldSeats'
  | 'waitingSeats'
  | 'lastWaitlistPlace'
  | 'checkedInSeats'
  | 'nextHoldExpiresAt';

type SeatsOfUser = Pick<Booking, 'eventId' | 'userId' | 'seatCount'>;

export type Draft = ReturnType<typeof createDraft>;

/** Creates the state within one decision. It begins as the locked state and changes with each request. */
export function createDraft(state: LockedState) {
  const inventories = new Map(state.inventories);
  const userSeats = new Map(state.userSeats);
  const changedEvents = new Set<string>();
  const writes: Mutable<Omit<Writes, 'inventories'>> = {
    booked: [],
    cancelled: [],
    held: [],
    confirmed: [],
    ended: [],
    joined: [],
    endedEntries: [],
    offered: [],
    checkedIn: [],
  };
  const entries = new Map(state.entries);
  const entriesOfUsers = new Map([...state.entriesOfUsers].map(([user, entry]) => [user, entry.id]));
  for (const entry of state.entriesOfUsers.values()) entries.set(entry.id, entry);
  const joinedByEvent = new Map<string, WaitlistEntry[]>();
  /** The events whose free seats are kept for entries of the waiting list that were not read. */
  const keptEvents = new Set<string>();

  const userSeatsOf = (user: Omit<SeatsOfUser, 'seatCount'>): number => userSeats.get(userOfEvent(user)) ?? 0;

  return {
    now: state.now,
    offerTtlSeconds: state.offerTtlSeconds,
    newId: state.newId,
    inventories,
    entries,
    keptEvents,
    bookings: new Map(state.bookings),
    keys: new Map(state.keys),
    holds: new Map(state.holds),
    holdKeys: new Map(state.holdKeys),
    checkIns: new Map(state.checkIns),
    writes,
    changeInventory(inventory: Inventory, change: Partial<Pick<Inventory, SeatColumn>>): void {
      inventories.set(inventory.eventId, { ...inventory, ...change });
      changedEvents.add(inventory.eventId);
    },
    changeUserSeats(user: Omit<SeatsOfUser, 'seatCount'>, seats: number): void {
      userSeats.set(userOfEvent(user), userSeatsOf(user) + seats);
    },
    hasRoomFor: ({ maxSeatsPerUser }: Inventory, wanted: SeatsOfUser): boolean =>
      maxSeatsPerUser === null || userSeatsOf(wanted) + wanted.seatCount <= maxSeatsPerUser,
    /**
     * Returns the entries of an event that wait now. An entry that was not read can come before them if it wants at least
     * `unreadFrom` seats.
     */
    lineOf(eventId: string): { waiting: readonly WaitlistEntry[]; unreadFrom: number; isWhole: boolean } {
      const { waitingSeats = 0 } = state.inventories.get(eventId) ?? {};
      const isWaiting = ({ id }: WaitlistEntry) => (entries.get(id) ?? { status: 'WAITING' }).status === 'WAITING';
      const line = state.lines.get(eventId) ?? (waitingSeats === 0 ? EMPTY_LINE : UNREAD_LINE);
      const waiting = line.waiting.filter(isWaiting);
      const exhausted = [...line.cutSeatCounts].filter((cut) => !waiting.some(({ seatCount }) => seatCount === cut));
      return {
        waiting: [...waiting, ...(joinedByEvent.get(eventId) ?? []).filter(isWaiting)],
        unreadFrom: Math.min(line.seatCountMax + 1, ...exhausted),
        isWhole: line.seatCountMax === Number.POSITIVE_INFINITY,
      };
    },
    entryOf(user: Omit<SeatsOfUser, 'seatCount'>): WaitlistEntry | undefined {
      return entries.get(entriesOfUsers.get(userOfEvent(user)) ?? '');
    },
    joinLine(entry: WaitlistEntry): void {
      entries.set(entry.id, entry);
      entriesOfUsers.set(userOfEvent(entry), entry.id);
      joinedByEvent.set(entry.eventId, [...(joinedByEvent.get(entry.eventId) ?? []), entry]);
      writes.joined.push(entry);
    },
    endEntry(entry: WaitlistEntry): void {
      entries.set(entry.id, entry);
      entriesOfUsers.set(userOfEvent(entry), entry.id);
      writes.endedEntries.push(entry);
    },
    /** Returns the inventory that has the wanted seats for the user, or why the user does not get them. */
    findSeats(wanted: SeatsOfUser): { inventory: Inventory } | Exclude<SeatsRefusal, { outcome: 'key-reused' }> {
      const inventory = inventories.get(wanted.eventId);
      if (inventory === undefined) return { outcome: 'unknown-event' };
      const closed = closedOutcome(inventory, state.now);
      if (closed !== undefined) return closed;
      const { maxSeatsPerUser } = inventory;
      const availableSeats = keptEvents.has(wanted.eventId) ? 0 : inventory.availableSeats;
      if (maxSeatsPerUser !== null) {
        const seatsLeft = Math.max(0, maxSeatsPerUser - userSeatsOf(wanted));
        if (seatsLeft < wanted.seatCount) return { outcome: 'user-limit-reached', maxSeatsPerUser, seatsLeft };
      }
      if (availableSeats < wanted.seatCount) return { outcome: 'sold-out', availableSeats };
      return { inventory };
    },
    allWrites: (): Writes => ({
      ...writes,
      inventories: [...inventories.values()].filter(({ eventId }) => changedEvents.has(eventId)),
    }),
  };
}

/** Returns why an event takes no bookings at this time. Undefined when it takes bookings. */
export function closedOutcome(inventory: Inventory, now: Date): ClosedOutcome | undefined {
  const { salesStartAt, salesEndAt } = inventory;
  const over = notBookable(inventory, now);
  if (over !== undefined) return over;
  if (salesStartAt !== null && now < salesStartAt) return { outcome: 'sales-not-started', salesStartAt };
  if (salesEndAt !== null && salesEndAt <= now) return { outcome: 'sales-ended', salesEndAt };
  return undefined;
}

/** Returns why nobody can get seats of an event any more. Undefined when the event will take place. */
export function notBookable({ status, startsAt }: Inventory, now: Date): NotBookable | undefined {
  if (status === 'CANCELLED') return { outcome: 'not-bookable', reason: 'EVENT_CANCELLED' };
  if (startsAt <= now) return { outcome: 'not-bookable', reason: 'EVENT_STARTED' };
  return undefined;
}

export const earlierOf = (one: Date, other: Date): Date => (one <= other ? one : other);
