/**
 * npm run cli -- <command> [--url http://localhost:4000/graphql]
 *
 *   sign-up <name> <e-mail>         registers a user; asks for the password, or reads it from standard input
 *   sign-in <e-mail>                signs in; asks for the password in the same way
 *   sign-out                        ends the session
 *   events [words]                  lists the events whose names contain the words
 *   book <event> [--seats 1]        books seats of an event, by its id or by words of its name; --key repeats a booking
 *   bookings                        lists your bookings
 *   cancel <booking>                cancels a booking by its id
 *   webhook <action> ...            manages your webhooks: list, add <url>, log, on, off, rotate, delete, redeliver
 *
 * An example of clients/typescript. Keeps the session in the data folder, in a file that only its owner can read.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { OperationError } from '#client/answers.ts';
import { type Client, createClient, createKey } from '#client/client.ts';
import {
  type BookingFieldsFragment,
  CancelBookingDocument,
  type EventFieldsFragment,
  EventPageDocument,
  EventsDocument,
  OwnBookingsDocument,
} from '#client/generated/graphql.ts';
import type { Session, SessionStore } from '#client/sessions.ts';
import { runWebhookCommand } from './cli/webhooks.ts';
import { parseArguments, runScript } from './local/run-script.ts';
import { LocalError, loadEnvironment, readSettings } from './local/settings.ts';

const USAGE =
  'npm run cli -- sign-up <name> <e-mail> | sign-in <e-mail> | sign-out | events [words] | book <event> [--seats 1] | bookings | cancel <booking> | webhook <action>';
const NEEDS_TEXT = ['sign-up', 'sign-in', 'book', 'cancel'];
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

/** Asks for a password without showing it. Reads the first line of standard input if it is not a terminal. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password: ');
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY });
  for await (const line of lines) {
    if (process.stdin.isTTY) process.stderr.write('\n');
    return line;
  }
  throw new LocalError('A password is needed.');
}

const describeEvent = ({ id, name, startsAt, venue, availableSeats, totalSeats, status }: EventFieldsFragment) =>
  `${id}  ${startsAt.slice(0, 16).replace('T', ' ')}  ${name}${venue ? `, ${venue}` : ''}: ${
    status === 'CANCELLED' ? 'cancelled' : `${availableSeats ?? '?'} of ${totalSeats ?? '?'} seats free`
  }`;

const describeBooking = ({ id, seatCount, status, event }: BookingFieldsFragment) =>
  `${id}  ${status.toLowerCase()}  ${seatCount} × ${event?.name ?? 'an event that cannot be read now'}`;

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

/** Runs a command. Returns what to print. @throws LocalError for a refusal, or with the usage */
async function run(
  client: Client,
  [command = '', ...args]: readonly string[],
  { seatCount, key, kinds }: { seatCount: number; key: string; kinds: string | undefined },
): Promise<string> {
  const text = args.join(' ');
  if (text === '' && NEEDS_TEXT.includes(command)) throw new LocalError(`Usage: ${USAGE}`);
  switch (command) {
    case 'sign-up': {
      const [name, email = ''] = [args.slice(0, -1).join(' '), args.at(-1)];
      return `Signed in as ${accept(await client.signUp({ name, email, password: await readPassword() })).user.name}.`;
    }
    case 'sign-in': {
      const { user } = accept(await client.signIn({ email: text, password: await readPassword() }));
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
      const { booking, replayed } = accept(await client.book({ eventId, seatCount, idempotencyKey: key }));
      return `${replayed ? 'Already booked' : 'Booked'}: ${booking.seatCount} × ${name}. The booking is ${booking.id}.`;
    }
    case 'bookings': {
      const { bookings } = await client.request(OwnBookingsDocument);
      return bookings.nodes.map(describeBooking).join('\n') || 'You have no bookings.';
    }
    case 'cancel': {
      const { cancelBooking } = await client.request(CancelBookingDocument, { input: { id: text } });
      return describeBooking(accept(cancelBooking).booking);
    }
    case 'webhook':
      return runWebhookCommand(client, args, { kinds, accept });
    default:
      throw new LocalError(`Usage: ${USAGE}`);
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
      },
      allowPositionals: true,
    },
    USAGE,
  );
  const store = createFileStore(join(dataDir, 'cli', 'session.json'), values.url);
  try {
    const intent = { seatCount: Number(values.seats), key: values.key, kinds: values.kinds };
    console.log(await run(createClient({ url: values.url, store }), positionals, intent));
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
    command === 'book'
      ? `Run it again with --key ${key}: it books at most once.`
      : 'Check whether it happened before you try again.';
  return `${message}\nIt is not known whether this happened. ${advice}`;
}

await runScript(main);
