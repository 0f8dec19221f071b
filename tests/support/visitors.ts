import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { type Answer, type Client, createEvent, signUp } from './client.ts';
import type { TestSystem } from './system.ts';

const VISITORS = 6;

const PAGE = `query Page($id: ID!) {
  me { name }
  event(id: $id) { name availableSeats organizer { name } }
  events(first: 3) { nodes { name availableSeats } }
  bookings(first: 3) { nodes { id event { name } } }
  notifications(first: 3) { nodes { status } }
}`;
const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) { __typename ... on CreateBookingPayload { booking { id event { availableSeats } } } }
}`;

/** Users who read pages and book through the gateway without a pause, each with one request at a time. */
export interface Visitors {
  /** The number of complete answers so far, and of answers with SERVICE_UNAVAILABLE parts. */
  readonly seen: { whole: number; lacking: number };
  /** Answers that were neither complete nor explained by SERVICE_UNAVAILABLE. */
  readonly wrong: unknown[];
  /** Stops the users, repeats the bookings whose outcome is unknown, and returns the ids of all bookings. */
  leave(): Promise<string[]>;
}

export async function inviteVisitors(system: TestSystem): Promise<Visitors> {
  const clients = await Promise.all(Array.from({ length: VISITORS }, () => signUp(system.graphqlUrl)));
  const eventId = await createEvent(clients[0] as Client, { totalSeats: 1_000_000 });
  const seen = { whole: 0, lacking: 0 };
  const wrong: unknown[] = [];
  const booked: string[] = [];
  const unknown: { client: Client; input: object }[] = [];
  let isOver = false;

  /** Counts an answer. Returns whether it is complete. */
  function judge({ status, data, errors = [] }: Answer<unknown>): boolean {
    const isRight = errors.every(({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE');
    if (status !== 200 || !isRight || (data == null && errors.length === 0)) wrong.push({ status, data, errors });
    seen[errors.length === 0 ? 'whole' : 'lacking'] += 1;
    return errors.length === 0;
  }

  async function book(client: Client, input: object): Promise<boolean> {
    const answer = await client.send(BOOK, { input });
    judge(answer);
    const id = answer.data?.createBooking?.booking?.id;
    if (id !== undefined) booked.push(id);
    return id !== undefined;
  }

  async function visit(client: Client): Promise<void> {
    while (!isOver) {
      judge(await client.send(PAGE, { id: eventId }));
      const input = { eventId, seatCount: 1, idempotencyKey: randomUUID() };
      if (!(await book(client, input))) unknown.push({ client, input });
    }
  }
  const visits = clients.map(visit);

  return {
    seen,
    wrong,
    async leave() {
      isOver = true;
      await Promise.all(visits);
      for (const { client, input } of unknown) {
        await vi.waitFor(async () => expect(await book(client, input)).toBe(true), { timeout: 30_000, interval: 100 });
      }
      return booked;
    },
  };
}

/** A line of a service's log. */
interface LogLine {
  readonly level: string;
  readonly msg: string;
}

/** Returns the log lines of a system's services, including those of its replicas. */
export function logsOf({ dataDir, natsPrefix }: TestSystem): LogLine[] {
  return globSync(join(dataDir, 'logs', `${natsPrefix.replace('.', '')}-*.log`)).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine),
  );
}

/** Returns the log lines with the level error or fatal. */
export const errorsLogged = (system: TestSystem): LogLine[] =>
  logsOf(system).filter(({ level }) => level === 'error' || level === 'fatal');
