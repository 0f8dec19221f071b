import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import { saveEventSnapshots } from '../store/inventories.ts';
import {
  countSeats,
  endTurn,
  findEventsAfter,
  reopenForClosing,
  type SeatCount,
  takeTurn,
} from '../store/reconciliation.ts';
import type { BookingDependencies } from './dependencies.ts';

type Dependencies = Pick<BookingDependencies, 'database' | 'eventFacts'>;

export type Finding = Problem & { readonly eventId: string };

type Problem =
  /** The event subgraph has a newer version whose message has not arrived. The version is saved here. */
  | { readonly kind: 'outdated-facts'; readonly isRepaired: true }
  /** A closed event still had confirmed bookings. It is marked as not closed, so that they are cancelled. */
  | { readonly kind: 'open-bookings'; readonly isRepaired: true }
  /** The seats do not add up: a bug or a damaged database. Nothing is changed, because the right number is unknown. */
  | { readonly kind: 'wrong-seats'; readonly isRepaired: false; readonly seats: SeatCount }
  /** The statement timed out, or another transaction had locked the event. */
  | { readonly kind: 'unchecked'; readonly isRepaired: false };

const PAGE_MAX = 100;
const PAUSE_S = 5;
const ROUND_PAUSE_S = 3_600;
/** Must be longer than a page takes. When a process has crashed, another one takes over after this time. */
const LEASE_S = 600;
export const BEFORE_ALL_EVENTS = '';

/**
 * Checks the next page of events after `afterId`, and makes the repairs that need no guess. Returns the id of the
 * page's last event, or undefined after the last page.
 * @throws SERVICE_UNAVAILABLE when the event subgraph does not answer
 */
export async function reconcilePage(
  dependencies: Dependencies,
  { afterId, report }: { afterId: string; report: (finding: Finding) => void },
): Promise<string | undefined> {
  const known = await findEventsAfter(dependencies.database, { afterId, limit: PAGE_MAX });
  if (known.length > 0) await refreshFacts(dependencies, known, report);
  for (const { eventId } of known) await checkSeats(dependencies, eventId, report);
  return known.length < PAGE_MAX ? undefined : known.at(-1)?.eventId;
}

/** Saves newer facts whose messages have not arrived. Events that turn out to be cancelled are then closed as usual. */
async function refreshFacts(
  { database, eventFacts }: Dependencies,
  known: readonly { eventId: string; version: number }[],
  report: (finding: Finding) => void,
): Promise<void> {
  const facts = await eventFacts.fetch(known.map(({ eventId }) => eventId));
  const versions = new Map(known.map(({ eventId, version }) => [eventId, version]));
  const newer = facts.filter(({ eventId, version }) => version > (versions.get(eventId) ?? version));
  if (newer.length === 0) return;
  await saveEventSnapshots(database, newer);
  for (const { eventId } of newer) report({ kind: 'outdated-facts', eventId, isRepaired: true });
}

async function checkSeats(
  { database }: Dependencies,
  eventId: string,
  report: (finding: Finding) => void,
): Promise<void> {
  try {
    const seats = await countSeats(database, eventId);
    if (seats === undefined) return;
    const { totalSeats, availableSeats, confirmedSeats, heldSeats, seatsOfHolds, isClosed } = seats;
    const isWrong =
      confirmedSeats + heldSeats + availableSeats !== totalSeats ||
      heldSeats !== seatsOfHolds ||
      seats.waitingSeats !== seats.seatsOfEntries;
    if (isWrong) {
      report({ kind: 'wrong-seats', eventId, isRepaired: false, seats });
    }
    if (!isClosed || confirmedSeats === 0) return;
    await reopenForClosing(database, eventId);
    report({ kind: 'open-bookings', eventId, isRepaired: true });
  } catch (error) {
    if (!TOOK_TOO_LONG.has(sqlErrorNumber(error))) throw error;
    report({ kind: 'unchecked', eventId, isRepaired: false });
  }
}

const TOOK_TOO_LONG: ReadonlySet<number | undefined> = new Set([
  SQL_ERROR.lockWaitTimeout,
  SQL_ERROR.statementTimeout.mariadb,
  SQL_ERROR.statementTimeout.mysql,
]);

/**
 * The background check. Checks the next page if it is due: one page every few seconds, with an hour's pause after the
 * last page. All processes share the position in the database, so a restart continues there. A page that fails is
 * checked again.
 */
export async function reconcileNextPage(dependencies: Dependencies, report: (finding: Finding) => void): Promise<void> {
  const { database } = dependencies;
  const afterId = await takeTurn(database, LEASE_S);
  if (afterId === undefined) return;
  try {
    const lastId = await reconcilePage(dependencies, { afterId, report });
    const isRoundOver = lastId === undefined;
    await endTurn(database, { afterId: lastId ?? BEFORE_ALL_EVENTS, pauseS: isRoundOver ? ROUND_PAUSE_S : PAUSE_S });
  } catch (error) {
    await endTurn(database, { afterId, pauseS: PAUSE_S });
    throw error;
  }
}
