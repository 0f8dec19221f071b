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
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { renderUnicodeCompact } from 'uqr';
import { OperationError } from '#client/answers.ts';
import { downloadAttendees } from '#client/attendees.ts';
import { type Client, createClient, createKey } from '#client/client.ts';
import {
  CancelBookingDocument,
  CheckInDocument,
  ConfirmHoldDocument,
  type EventFieldsFragment,
  EventPageDocument,
  EventStatisticsDocument,
  EventsDocument,
  JoinWaitlistDocument,
  LeaveWaitlistDocument,
  OwnBookingsDocument,
  OwnTicketDocument,
  OwnWaitlistDocument,
  ReleaseHoldDocument,
} from '#client/generated/graphql.ts';
import type { Queued } from '#client/line.ts';
import type { Session, SessionStore } from '#client/sessions.ts';
import { accept } from './cli/accept.ts';
import { readPasswords, runForAccount } from './cli/account.ts';
import {
  describeBooking,
  describeDoorRefusal,
  describeEntry,
  describeEvent,
  describeRefusal,
  seatsText,
  timeText,
} from './cli/descriptions.ts';
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

/** Shows the place in the line of the event, while the client waits for its turn. */
const onQueued = ({ position, comeBackAt }: Queued): void =>
  void process.stderr.write(
    `You are number ${position + 1} in the line. Next try at ${comeBackAt.slice(11, 19)} UTC.\n`,
  );

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
      return runWebhookCommand(client, args, { kinds });
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
