/**
 * npm run cli -- <command> [--url http://localhost:4000/graphql]
 *
 *   sign-up <name> <e-mail>         registers a user; asks for the password, or reads it from standard input
 *   sign-in <e-mail>                signs in; asks for the password in the same way
 *   sign-out                        ends the session
 *   forgot-password <e-mail>        asks for a mail with a token that sets a new password
 *   reset-password <token>          sets a new password with the token, and signs in
 *   change-password                 asks for the current and the new password
 *   verify-email [token]            asks for a mail with a token, or verifies your e-mail with the token
 *   sessions                        lists your sessions
 *   end-session <session>           ends one of your sessions by its id
 *   sign-out-everywhere             ends all your sessions
 *   export                          prints all your data as JSON
 *   delete-account                  deletes your account; asks for the password
 *   events [words]                  lists the events whose names contain the words
 *   book <event> [--seats 1]        books seats of an event, by its id or by words of its name; --key repeats a booking;
 *                                   waits if the event has a line
 *   hold <event> [--seats 1]        keeps seats of an event for some minutes, with --key like book
 *   confirm <hold>                  books the seats of a hold by its id
 *   release <hold>                  gives the seats of a hold back
 *   wait <event> [--seats 1]        waits for seats of an event: seats that come back are held for the first in line
 *   waiting                         lists where you wait, and the holds of the seats that you were offered
 *   leave <entry>                   ends your waiting
 *   bookings                        lists your bookings
 *   cancel <booking> [--reason <text>]    cancels a booking by its id
 *   ticket <booking>                shows the ticket of a booking as a QR code, and its code
 *   check-in <event> <code> [--seats 1]   lets the guests of a ticket in at your event, by its id; --key repeats it
 *   statistics <event>              shows how your event sells, in total and by day
 *   attendees <event>               prints the attendees of your event as a CSV file
 *   webhook <action> ...            manages your webhooks: list, add <url>, log, on, off, rotate, delete, redeliver
 *
 * An example of clients/typescript. Keeps the session in the data folder, in a file that only its owner can read.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { renderUnicodeCompact } from 'uqr';
import { OperationError } from '#client/answers.ts';
import { downloadAttendees } from '#client/attendees.ts';
import { type Client, createClient, createKey } from '#client/client.ts';
import { exportAccount } from '#client/export.ts';
import {
  AccountDocument,
  type AccountQuery,
  type BookingFieldsFragment,
  CancelBookingDocument,
  ChangePasswordDocument,
  CheckInDocument,
  type CheckInMutation,
  ConfirmHoldDocument,
  DeleteAccountDocument,
  EndSessionDocument,
  type EventFieldsFragment,
  EventPageDocument,
  EventStatisticsDocument,
  EventsDocument,
  JoinWaitlistDocument,
  type JoinWaitlistMutation,
  LeaveWaitlistDocument,
  OwnBookingsDocument,
  OwnTicketDocument,
  OwnWaitlistDocument,
  ReleaseHoldDocument,
  RequestEmailVerificationDocument,
  RequestPasswordResetDocument,
  SignOutEverywhereDocument,
  VerifyEmailDocument,
  type WaitlistFieldsFragment,
} from '#client/generated/graphql.ts';
import type { Queued } from '#client/line.ts';
import type { Session, SessionStore } from '#client/sessions.ts';
import { runWebhookCommand } from './cli/webhooks.ts';
import { parseArguments, runScript } from './local/run-script.ts';
import { LocalError, loadEnvironment, readSettings } from './local/settings.ts';

const USAGE = [
  'npm run cli -- sign-up <name> <e-mail> | sign-in <e-mail> | sign-out | events [words] | book <event> [--seats 1] | bookings | cancel <booking> [--reason <text>]',
  'statistics <event> | attendees <event>',
  'hold <event> [--seats 1] | confirm <hold> | release <hold>',
  'wait <event> [--seats 1] | waiting | leave <entry>',
  'ticket <booking> | check-in <event> <code> [--seats 1]',
  'forgot-password <e-mail> | reset-password <token> | change-password | verify-email [token]',
  'sessions | end-session <session> | sign-out-everywhere | export | delete-account',
  'webhook <action>',
].join('\n  | ');
const NEEDS_TEXT = [
  'sign-up',
  'sign-in',
  'book',
  'hold',
  'confirm',
  'release',
  'wait',
  'leave',
  'cancel',
  'ticket',
  'check-in',
  'statistics',
  'attendees',
  'forgot-password',
  'reset-password',
  'end-session',
];
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Keeps the session of one system in a file. A session of another system is not sent to it. */
function createFileStore(file: string, url: string): SessionStore {
  return {
    load() {
      try {
        const kept = JSON.parse(readFileSync(file, 'utf8')) as { url: string; session: Session };
        return kept.url === url ? kept.session : null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    save(session) {
      if (session === null) return rmSync(file, { force: true });
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify({ url, session }), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
  };
}

/** Asks for passwords without showing them. Reads lines of standard input if it is not a terminal. */
async function readPasswords<Labels extends readonly string[]>(
  ...labels: Labels
): Promise<{ [Index in keyof Labels]: string }> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY });
  const given: string[] = [];
  const ask = () => process.stdin.isTTY && process.stderr.write(`${labels[given.length]}: `);
  ask();
  for await (const line of lines) {
    given.push(line);
    if (process.stdin.isTTY) process.stderr.write('\n');
    if (given.length === labels.length) return given as { [Index in keyof Labels]: string };
    ask();
  }
  throw new LocalError('A password is needed.');
}

const seatsText = (count: number) => `${count} ${count === 1 ? 'seat' : 'seats'}`;
const timeText = (iso: string) => iso.slice(0, 16).replace('T', ' ');

/** A time of an event in UTC and, if it is another zone, in the zone of the event. */
function eventTimeText(iso: string, timeZone: string): string {
  if (timeZone === 'UTC') return timeText(iso);
  const there = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone });
  return `${timeText(iso)} UTC (${there.format(new Date(iso))} ${timeZone})`;
}

const describeEvent = ({ id, name, startsAt, timeZone, venue, ...facts }: EventFieldsFragment) =>
  `${id}  ${eventTimeText(startsAt, timeZone)}  ${name}${venue ? `, ${venue}` : ''}: ${describeSale(facts)}`;

function describeSale({
  availableSeats,
  totalSeats,
  status,
  salesStartAt,
  salesEndAt,
  maxSeatsPerUser,
  cancellationDeadline,
  cancellationReason,
}: Omit<EventFieldsFragment, 'id' | 'name' | 'startsAt' | 'timeZone' | 'venue'>): string {
  if (status === 'CANCELLED') return cancellationReason === null ? 'cancelled' : `cancelled (${cancellationReason})`;
  return [
    `${availableSeats ?? '?'} of ${totalSeats ?? '?'} seats free`,
    ...(maxSeatsPerUser === null ? [] : [`at most ${maxSeatsPerUser} per user`]),
    ...(salesStartAt === null ? [] : [`on sale from ${timeText(salesStartAt)} UTC`]),
    ...(salesEndAt === null ? [] : [`on sale until ${timeText(salesEndAt)} UTC`]),
    ...(cancellationDeadline === null ? [] : [`cancellations until ${timeText(cancellationDeadline)} UTC`]),
  ].join(', ');
}

type SeatsResult = Awaited<ReturnType<Client['book'] | Client['hold']>> | JoinWaitlistMutation['joinWaitlist'];

/** Says why a user gets no seats, with the numbers that the user needs. */
function describeRefusal(
  refusal: Exclude<SeatsResult, { __typename: 'CreateBookingPayload' | 'HoldSeatsPayload' | 'JoinWaitlistPayload' }>,
): string {
  switch (refusal.__typename) {
    case 'SoldOutError':
    case 'SeatsAvailableError':
      return `${refusal.message} It has ${seatsText(refusal.availableSeats)}.`;
    case 'AlreadyWaitingError':
      return `You wait for ${seatsText(refusal.seatCount)}. Leave first: npm run cli -- leave ${refusal.entryId}`;
    case 'SalesNotStartedError':
      return `${refusal.message} It starts at ${timeText(refusal.salesStartAt)} UTC.`;
    case 'SalesEndedError':
      return `${refusal.message} It ended at ${timeText(refusal.salesEndAt)} UTC.`;
    case 'UserLimitReachedError':
      return `One user can have at most ${seatsText(refusal.maxSeatsPerUser)}. You can book ${refusal.seatsLeft} more.`;
    default:
      return refusal.message;
  }
}

/** Shows the place in the line of the event, while the client waits for its turn. */
const onQueued = ({ position, comeBackAt }: Queued): void =>
  void process.stderr.write(
    `You are number ${position + 1} in the line. Next try at ${comeBackAt.slice(11, 19)} UTC.\n`,
  );

/** Says why a guest does not get in. */
function describeDoorRefusal(refusal: Exclude<CheckInMutation['checkIn'], { __typename: 'CheckInPayload' }>): string {
  switch (refusal.__typename) {
    case 'TooManySeatsError':
      return refusal.seatsLeft === 0
        ? refusal.message
        : `${refusal.message} It has ${seatsText(refusal.seatsLeft)} left.`;
    case 'TicketCancelledError':
      return refusal.cancelledAt === null
        ? refusal.message
        : `${refusal.message} This was at ${timeText(refusal.cancelledAt)} UTC.`;
    case 'WrongEventError':
      return `${refusal.message} Its event is ${refusal.eventId}.`;
    default:
      return refusal.message;
  }
}

const describeBooking = ({ id, seatCount, status, cancellationReason, event }: BookingFieldsFragment) =>
  `${id}  ${status.toLowerCase()}  ${seatCount} × ${event?.name ?? 'an event that cannot be read now'}${
    cancellationReason === null ? '' : ` (${cancellationReason})`
  }`;

const describeSession = ({ id, createdAt, lastUsedAt, current }: Sessions[number]) =>
  `${id}  signed in ${createdAt}, last used ${lastUsedAt}${current ? '  (this one)' : ''}`;
type Sessions = NonNullable<NonNullable<AccountQuery['me']>['sessions']>;

function describeEntry({ id, seatCount, status, entriesAhead, hold, event }: WaitlistFieldsFragment): string {
  const state = status === 'WAITING' ? `waiting, ${entriesAhead ?? '?'} before you` : status.toLowerCase();
  const offer = hold === null ? '' : `. The hold is ${hold.id}, ${hold.status.toLowerCase()}`;
  const until = hold?.status === 'HELD' ? ` until ${timeText(hold.expiresAt)} UTC` : '';
  return `${id}  ${state}: ${seatCount} × ${event?.name ?? 'an event that cannot be read now'}${offer}${until}`;
}

async function findEvent(client: Client, text: string): Promise<EventFieldsFragment> {
  if (ID.test(text)) {
    const { event } = await client.request(EventPageDocument, { id: text });
    if (event === null) throw new LocalError(`There is no event ${text}.`);
    return event;
  }
  const { nodes } = (await client.request(EventsDocument, { filter: { nameContains: text } })).events;
  const [event, ...others] = nodes;
  if (event === undefined) throw new LocalError(`There is no future event with these words in its name: ${text}`);
  if (others.length > 0) throw new LocalError(['Which of these events?', ...nodes.map(describeEvent)].join('\n'));
  return event;
}

/** Returns the member of a union that is not a refusal. @throws LocalError with the message of the refusal */
function accept<Result extends { __typename: string }>(result: Result): Exclude<Result, { message: string }> {
  if ('message' in result) throw new LocalError(String(result.message));
  return result as Exclude<Result, { message: string }>;
}

const DAY_MS = 86_400_000;
const STATISTICS_DAYS = 30;

/** Returns the sales of an event, in total and for each of the last days with bookings. */
async function describeStatistics(client: Client, id: string, timeZone: string): Promise<string> {
  const dateOf = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeZone });
  const to = dateOf.format(Date.now());
  const from = new Date(Date.parse(to) - (STATISTICS_DAYS - 1) * DAY_MS).toISOString().slice(0, 10);
  const statistics = (await client.request(EventStatisticsDocument, { id, from, to })).event?.statistics;
  if (statistics == null) throw new LocalError('Only the organizer of the event and admins may see this.');
  const { soldSeats, cancelledSeats, confirmedBookings, cancelledBookings, byDay } = statistics;
  const { heldSeats, waitingSeats, checkedInSeats } = statistics;
  return [
    `${seatsText(soldSeats)} sold in ${confirmedBookings} bookings, ${checkedInSeats} checked in, ${heldSeats} held, ${waitingSeats} wanted by those who wait, ` +
      `${cancelledSeats} cancelled in ${cancelledBookings} bookings`,
    ...byDay
      .filter((day) => day.soldSeats + day.cancelledSeats > 0)
      .map((day) => `${day.date}  ${day.soldSeats} sold, ${day.cancelledSeats} cancelled since`),
  ].join('\n');
}

/** Runs a command about the user's account. Returns what to print, or undefined if it is another command. */
async function runForAccount(client: Client, command: string, text: string): Promise<string | undefined> {
  switch (command) {
    case 'forgot-password':
      await client.request(RequestPasswordResetDocument, { email: text });
      return 'If there is an account with this e-mail, a mail is on its way.';
    case 'reset-password': {
      const [newPassword] = await readPasswords('New password');
      const { user } = accept(await client.resetPassword({ token: text, newPassword }));
      return `The password is changed. Signed in as ${user.name}.`;
    }
    case 'change-password': {
      const [currentPassword, newPassword] = await readPasswords('Current password', 'New password');
      accept(
        (await client.request(ChangePasswordDocument, { input: { currentPassword, newPassword } })).changePassword,
      );
      return 'The password is changed. Your other sessions have ended.';
    }
    case 'verify-email':
      if (text === '') {
        await client.request(RequestEmailVerificationDocument);
        return 'A mail is on its way, unless your e-mail is already verified.';
      }
      accept((await client.request(VerifyEmailDocument, { token: text })).verifyEmail);
      return 'The e-mail is verified.';
    case 'sessions': {
      const { me } = await client.request(AccountDocument);
      return me?.sessions?.map(describeSession).join('\n') || 'Nobody is signed in.';
    }
    case 'end-session':
      await client.request(EndSessionDocument, { id: text });
      return 'The session has ended.';
    case 'sign-out-everywhere':
      await client.request(SignOutEverywhereDocument);
      await client.signOut();
      return 'Signed out everywhere.';
    case 'export':
      return JSON.stringify(await exportAccount(client), null, 2);
    case 'delete-account': {
      const [password] = await readPasswords('Password');
      accept((await client.request(DeleteAccountDocument, { input: { password } })).deleteAccount);
      await client.signOut();
      return 'The account is deleted.';
    }
    default:
      return undefined;
  }
}

/** Runs a command. Returns what to print, or undefined if it has written to standard output. @throws LocalError for a refusal, or with the usage */
async function run(
  client: Client,
  [command = '', ...args]: readonly string[],
  {
    seatCount,
    key,
    kinds,
    reason,
    url,
  }: { seatCount: number; key: string; kinds: string | undefined; reason: string | null; url: string },
): Promise<string | undefined> {
  const text = args.join(' ');
  if (text === '' && NEEDS_TEXT.includes(command)) throw new LocalError(`Usage: ${USAGE}`);
  switch (command) {
    case 'sign-up': {
      const [name, email = ''] = [args.slice(0, -1).join(' '), args.at(-1)];
      const [password] = await readPasswords('Password');
      return `Signed in as ${accept(await client.signUp({ name, email, password })).user.name}.`;
    }
    case 'sign-in': {
      const [password] = await readPasswords('Password');
      const { user } = accept(await client.signIn({ email: text, password }));
      return `Signed in as ${user.name}.`;
    }
    case 'sign-out':
      await client.signOut();
      return 'Signed out.';
    case 'events': {
      const { events } = await client.request(EventsDocument, text ? { filter: { nameContains: text } } : {});
      return events.nodes.map(describeEvent).join('\n') || 'There are no such events.';
    }
    case 'book': {
      const { id: eventId, name } = await findEvent(client, text);
      const result = await client.book({ eventId, seatCount, idempotencyKey: key }, { onQueued });
      if (result.__typename !== 'CreateBookingPayload') throw new LocalError(describeRefusal(result));
      const { booking, replayed } = result;
      return `${replayed ? 'Already booked' : 'Booked'}: ${booking.seatCount} × ${name}. The booking is ${booking.id}.`;
    }
    case 'hold': {
      const { id: eventId, name } = await findEvent(client, text);
      const result = await client.hold({ eventId, seatCount, idempotencyKey: key }, { onQueued });
      if (result.__typename !== 'HoldSeatsPayload') throw new LocalError(describeRefusal(result));
      const { id, seatCount: held, status, expiresAt } = result.hold;
      const until = `${expiresAt.slice(11, 19)} UTC`;
      return `${status === 'HELD' ? `Held until ${until}` : status.toLowerCase()}: ${held} × ${name}. The hold is ${id}.`;
    }
    case 'confirm': {
      const { confirmHold } = await client.request(ConfirmHoldDocument, { input: { id: text } });
      return describeBooking(accept(confirmHold).booking);
    }
    case 'release': {
      const { releaseHold } = await client.request(ReleaseHoldDocument, { input: { id: text } });
      const { seatCount: held, status } = accept(releaseHold).hold;
      return `The hold of ${seatsText(held)} is ${status.toLowerCase()}.`;
    }
    case 'wait': {
      const { id: eventId } = await findEvent(client, text);
      const { joinWaitlist } = await client.request(JoinWaitlistDocument, { input: { eventId, seatCount } });
      if (joinWaitlist.__typename !== 'JoinWaitlistPayload') throw new LocalError(describeRefusal(joinWaitlist));
      return describeEntry(joinWaitlist.entry);
    }
    case 'waiting': {
      const { me } = await client.request(OwnWaitlistDocument, {});
      return me?.waitlistEntries?.nodes.map(describeEntry).join('\n') || 'You wait for no event.';
    }
    case 'leave': {
      const { leaveWaitlist } = await client.request(LeaveWaitlistDocument, { input: { id: text } });
      return describeEntry(accept(leaveWaitlist).entry);
    }
    case 'bookings': {
      const { bookings } = await client.request(OwnBookingsDocument);
      return bookings.nodes.map(describeBooking).join('\n') || 'You have no bookings.';
    }
    case 'cancel': {
      const { cancelBooking } = await client.request(CancelBookingDocument, { input: { id: text, reason } });
      if (cancelBooking.__typename === 'CancellationClosedError') {
        throw new LocalError(`It could be cancelled until ${timeText(cancelBooking.cancellationDeadline)} UTC.`);
      }
      return describeBooking(accept(cancelBooking).booking);
    }
    case 'ticket': {
      const { booking } = await client.request(OwnTicketDocument, { id: text });
      if (booking === null) throw new LocalError(`You have no booking ${text}.`);
      if (booking.ticket === null)
        throw new LocalError('There is no ticket for you: the booking was cancelled or is not yours.');
      const { code } = booking.ticket;
      return `${describeBooking(booking)}\n\n${renderUnicodeCompact(code, { ecc: 'M', border: 2 })}\n\n${code}`;
    }
    case 'check-in': {
      const [eventId = '', code = ''] = args;
      const input = { eventId, code, seats: seatCount, deviceKey: key };
      const { checkIn } = await client.request(CheckInDocument, { input });
      if (checkIn.__typename !== 'CheckInPayload') throw new LocalError(describeDoorRefusal(checkIn));
      const { booking, replayed } = checkIn;
      const guests = `${booking.checkedInSeats} of ${seatsText(booking.seatCount)} of ${booking.user?.name ?? 'the guest'}`;
      return `${replayed ? 'Already checked in' : 'Checked in'}: ${seatsText(checkIn.seats)}. Now ${guests} are in.`;
    }
    case 'webhook':
      return runWebhookCommand(client, args, { kinds, accept });
    case 'attendees': {
      const { id: eventId } = await findEvent(client, text);
      const { body } = await downloadAttendees(client, { url, eventId });
      if (body !== null) await pipeline(Readable.fromWeb(body as ReadableStream), process.stdout, { end: false });
      return undefined;
    }
    case 'statistics': {
      const { id, timeZone } = await findEvent(client, text);
      return describeStatistics(client, id, timeZone);
    }
    default: {
      const done = await runForAccount(client, command, text);
      if (done === undefined) throw new LocalError(`Usage: ${USAGE}`);
      return done;
    }
  }
}

async function main(): Promise<void> {
  const { dataDir, ports } = readSettings(loadEnvironment());
  const { values, positionals } = parseArguments(
    {
      options: {
        url: { type: 'string', default: `http://localhost:${ports.gateway}/graphql` },
        seats: { type: 'string', default: '1' },
        key: { type: 'string', default: createKey() },
        kinds: { type: 'string' },
        reason: { type: 'string' },
      },
      allowPositionals: true,
    },
    USAGE,
  );
  const store = createFileStore(join(dataDir, 'cli', 'session.json'), values.url);
  try {
    const { key, kinds, reason = null, url } = values;
    const intent = { seatCount: Number(values.seats), key, kinds, reason, url };
    const text = await run(createClient({ url, store }), positionals, intent);
    if (text !== undefined) console.log(text);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw new LocalError(explain(error, { command: positionals[0], key: values.key, url: values.url }));
  }
}

function explain(
  { code, message, isOutcomeUnknown }: OperationError,
  { command, key, url }: { command: string | undefined; key: string; url: string },
): string {
  if (code === 'NOT_SENT') return `${url} cannot be reached. Is the system running?`;
  if (code === 'UNAUTHENTICATED') return 'Sign in first: npm run cli -- sign-in <e-mail>';
  if (!isOutcomeUnknown) return message;
  const advice =
    command === 'book' || command === 'hold' || command === 'check-in'
      ? `Run it again with --key ${key}: it counts seats at most once.`
      : command === 'wait'
        ? 'Run it again: you join at most once.'
        : 'Check whether it happened before you try again.';
  return `${message}\nIt is not known whether this happened. ${advice}`;
}

await runScript(main);
