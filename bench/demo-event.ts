/**
 * npm run demo:event [-- [--buyers 120] [--url URL]]
 *
 * Plays the life of an event and prints each step: the sale begins at a fixed time, a crowd comes, seats are held and
 * confirmed, the event sells out, somebody waits for seats, a booking is cancelled, its seats go to the one who waits,
 * and the guests come in. It ends with exit code 1 at a step with another result. Without --url it starts a system of its
 * own, in which a crowd has to wait in a line.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createKey } from '#client/client.ts';
import {
  CancelBookingDocument,
  CheckInDocument,
  ConfirmHoldDocument,
  EventPageDocument,
  EventStatisticsDocument,
  JoinWaitlistDocument,
  OwnTicketDocument,
  OwnWaitlistDocument,
} from '#client/generated/graphql.ts';
import { parseArguments, runScript } from '#scripts/local/run-script.ts';
import { LocalError } from '#scripts/local/settings.ts';
import { readCount } from './load/options.ts';
import { withTarget } from './load/target.ts';

const SEATS = 40;
const SEATS_PER_USER = 2;
const SALE_BEGINS_IN_MS = 3_000;
/** Few, so that the crowd of a demonstration is large enough for a line. */
const LINE_FROM = '8';
const OFFER_WITHIN_MS = 5_000;
const DAY_MS = 86_400_000;

interface Actors {
  readonly organizer: Client;
  readonly ada: Client;
  readonly ben: Client;
  readonly crowd: readonly Client[];
}

async function playEvent({ organizer, ada, ben, crowd }: Actors): Promise<void> {
  const opensAt = Date.now() + SALE_BEGINS_IN_MS;
  const { event } = expectType('CreateEventPayload')(
    await organizer.addEvent({
      name: 'Chamber Music',
      startsAt: new Date(Date.now() + 30 * DAY_MS).toISOString(),
      timeZone: 'Europe/Vienna',
      totalSeats: SEATS,
      salesStartAt: new Date(opensAt).toISOString(),
      maxSeatsPerUser: SEATS_PER_USER,
    }),
  );
  const { id: eventId } = event;
  const wish = { eventId, seatCount: SEATS_PER_USER };
  tell(`${event.name}: ${SEATS} seats, at most ${SEATS_PER_USER} for each user.`);

  const early = expectType('SalesNotStartedError')(await ada.book(wish));
  tell(`Ada is too early. The sale begins at ${timeOf(early.salesStartAt)}.`);
  await delay(opensAt - Date.now());

  const { hold } = expectType('HoldSeatsPayload')(await ada.hold(wish));
  tell(`The sale is open. Ada holds ${hold.seatCount} seats until ${timeOf(hold.expiresAt)}.`);

  const { booked, refused, queued } = await sendCrowd(crowd, eventId);
  const line = queued > 0 ? `${queued} of them waited in a line` : 'nobody waited in a line';
  tell(`${crowd.length} others want a seat each: ${booked} got one, ${refused} found the event sold out; ${line}.`);
  if (booked !== SEATS - SEATS_PER_USER) throw new LocalError(`${SEATS - SEATS_PER_USER} seats should be sold.`);

  const { confirmHold } = await ada.request(ConfirmHoldDocument, { input: { id: hold.id } });
  const { booking } = expectType('ConfirmHoldPayload')(confirmHold);
  const ofAda = await ticketOf(ada, booking.id);
  tell('Ada confirms, and has a ticket.');

  const { availableSeats } = expectType('SoldOutError')(await ben.book(wish));
  const joined = (await ben.request(JoinWaitlistDocument, { input: wish })).joinWaitlist;
  const { entry } = expectType('JoinWaitlistPayload')(joined);
  tell(`Ben is too late: ${availableSeats} seats are free. He waits, with ${entry.entriesAhead} people before him.`);

  const cancelled = await ada.request(CancelBookingDocument, { input: { id: booking.id, reason: 'I am ill.' } });
  expectType('CancelBookingPayload')(cancelled.cancelBooking);
  expectType('SoldOutError')(await ada.book(wish));
  const offer = await offerOf(ben);
  tell(`Ada cancels. Her seats are held for Ben until ${timeOf(offer.expiresAt)}, and for nobody else.`);

  const taken = (await ben.request(ConfirmHoldDocument, { input: { id: offer.id } })).confirmHold;
  const ofBen = await ticketOf(ben, expectType('ConfirmHoldPayload')(taken).booking.id);
  tell('Ben confirms, and has a ticket.');

  const checkIn = async (code: string, deviceKey = createKey()) =>
    (await organizer.request(CheckInDocument, { input: { eventId, code, seats: SEATS_PER_USER, deviceKey } })).checkIn;
  const key = createKey();
  const { seats } = expectType('CheckInPayload')(await checkIn(ofBen, key));
  const again = expectType('CheckInPayload')(await checkIn(ofBen, key));
  const full = expectType('TooManySeatsError')(await checkIn(ofBen));
  expectType('TicketCancelledError')(await checkIn(ofAda));
  tell(
    `${seats} guests come in with Ben's ticket. The scanner's retry lets in ${again.replayed ? 'nobody' : 'others'}, a copy ` +
      `has ${full.seatsLeft} seats left, and Ada's ticket is refused.`,
  );
  tell(await describeSales(organizer, eventId));
}

/** Sends everybody at once. They wait in the line if there is one. */
async function sendCrowd(crowd: readonly Client[], eventId: string) {
  const queued = new Set<Client>();
  const results = await Promise.all(
    crowd.map((client) => client.book({ eventId, seatCount: 1 }, { onQueued: () => queued.add(client) })),
  );
  const countOf = (type: (typeof results)[number]['__typename']) =>
    results.filter(({ __typename }) => __typename === type).length;
  const [booked, refused] = [countOf('CreateBookingPayload'), countOf('SoldOutError')];
  if (booked + refused !== crowd.length)
    throw new LocalError(`Somebody got another answer: ${JSON.stringify(results)}`);
  return { booked, refused, queued: queued.size };
}

async function ticketOf(client: Client, id: string): Promise<string> {
  const { booking } = await client.request(OwnTicketDocument, { id });
  if (!booking?.ticket) throw new LocalError(`The booking ${id} has no ticket.`);
  return booking.ticket.code;
}

/** Waits until seats are held for somebody in the waiting list. */
async function offerOf(client: Client) {
  const giveUpAt = Date.now() + OFFER_WITHIN_MS;
  for (;;) {
    const { me } = await client.request(OwnWaitlistDocument, {});
    const hold = me?.waitlistEntries?.nodes[0]?.hold;
    if (hold?.status === 'HELD') return hold;
    if (Date.now() > giveUpAt) throw new LocalError('No seats were offered to the waiting list.');
    await delay(50);
  }
}

async function describeSales(organizer: Client, id: string): Promise<string> {
  const today = new Date().toISOString().slice(0, 10);
  const { event } = await organizer.request(EventStatisticsDocument, { id, from: today, to: today });
  const { event: seats } = await organizer.request(EventPageDocument, { id });
  const statistics = event?.statistics;
  if (statistics == null) throw new LocalError('The organizer cannot read the statistics.');
  const { soldSeats, checkedInSeats, cancelledSeats } = statistics;
  if (soldSeats !== SEATS || seats?.availableSeats !== 0)
    throw new LocalError(`${soldSeats} of ${SEATS} seats are sold.`);
  return `The organizer sees ${soldSeats} seats sold, ${checkedInSeats} checked in, ${cancelledSeats} cancelled.`;
}

/** Returns a function that returns results of this type. @throws LocalError for another result */
const expectType =
  <Type extends string>(type: Type) =>
  <Result extends { __typename: string }>(result: Result): Extract<Result, { __typename: Type }> => {
    if (result.__typename !== type) throw new LocalError(`Expected ${type}: ${JSON.stringify(result)}`);
    return result as Extract<Result, { __typename: Type }>;
  };

const tell = (text: string): void => console.log(`  ${timeOf(new Date().toISOString())}  ${text}`);
const timeOf = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)}`;

await runScript(async () => {
  const { values } = parseArguments(
    { options: { buyers: { type: 'string', default: '120' }, url: { type: 'string' } } },
    'npm run demo:event -- [--buyers 120] [--url URL]',
  );
  const buyers = readCount(values, 'buyers');
  if (buyers < SEATS) throw new LocalError(`--buyers must be at least ${SEATS}, so that the event sells out.`);
  const env = { ADMISSION_WAITING_MAX: LINE_FROM };
  await withTarget(values.url, { env }, async (target) => {
    const [organizer, ada, ben, ...crowd] = await target.openClients(buyers + 3);
    console.log('\n  All times are UTC.');
    await playEvent({ organizer, ada, ben, crowd } as Actors);
  });
});
