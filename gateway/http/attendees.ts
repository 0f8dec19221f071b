import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import { z } from 'zod';
import { forbidden, unauthenticated, unavailable } from '#platform/errors/errors.ts';
import { isId } from '#platform/errors/validation.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { GatewayContext } from '../context.ts';
import type { SubgraphClient } from '../supergraph/subgraph-client.ts';
import { csvLine } from './csv.ts';

/** A slow client ends after this time, and its file is incomplete. Shorter than the life of an access token. */
const DOWNLOAD_MS_MAX = 600_000;
/** Further downloads of this process are refused. Each asks for one page at a time. */
const DOWNLOADS_MAX = 20;
const PAGE_SIZE = 100;

const EVENT = 'query AttendeesEvent($id: ID!) { event(id: $id) { timeZone } }';
const PAGE = `query Attendees($representations: [_Any!]!, $first: Int!, $after: String) {
  _entities(representations: $representations) {
    ... on Event {
      bookings(first: $first, after: $after) {
        nodes { id attendee { name email } seatCount status createdAt }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;

const eventAnswer = z.object({ event: z.object({ timeZone: z.string() }).nullable() });
const pageAnswer = z.object({
  _entities: z.tuple([
    z
      .object({
        bookings: z
          .object({
            nodes: z.array(
              z.object({
                id: z.string(),
                attendee: z.object({ name: z.string(), email: z.string() }).nullable(),
                seatCount: z.number(),
                status: z.string(),
                createdAt: z.iso.datetime(),
              }),
            ),
            pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
          })
          .nullable(),
      })
      .nullable(),
  ]),
});

type Page = NonNullable<NonNullable<z.output<typeof pageAnswer>['_entities'][0]>['bookings']>;

const STATUSES: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  RATE_LIMITED: 429,
  SERVICE_UNAVAILABLE: 503,
};

/**
 * Creates the handler of GET /events/:id/attendees.csv. It answers with a line for each booking of the event, newest
 * first, for the organizer and admins: the booking subgraph decides. It asks for one page at a time, and for the next one
 * when the client has taken the last, so that a file of any length takes the memory of a page. It stops when the client
 * disconnects. When a page cannot be read, the connection is closed, so that the client does not take a part for the file.
 */
export function createAttendeesHandler({
  askEvents,
  askBookings,
  readContext,
  operationTimeoutMs,
  logger,
  downloadMsMax = DOWNLOAD_MS_MAX,
}: {
  askEvents: SubgraphClient;
  askBookings: SubgraphClient;
  readContext: (request: FastifyRequest, reply: FastifyReply) => Promise<GatewayContext>;
  operationTimeoutMs: number;
  logger: Logger;
  downloadMsMax?: number;
}) {
  let downloads = 0;

  /** @throws GraphQLError when the subgraph refuses or does not answer */
  async function ask<Answer extends z.ZodType>(
    client: SubgraphClient,
    schema: Answer,
    { context, ...fetch }: { context: GatewayContext } & Parameters<SubgraphClient>[0],
  ): Promise<z.output<Answer>> {
    const deadlineMs = performance.now() + operationTimeoutMs;
    const { data, errors } = await client(fetch, { ...context, deadlineMs });
    const [error] = errors ?? [];
    if (error === undefined) return schema.parse(data);
    throw error.extensions?.code === 'UNAUTHENTICATED' ? unauthenticated() : unavailable(new Error(error.message));
  }

  async function timeZoneOf(id: string, context: GatewayContext): Promise<string> {
    const variables = { id };
    const fetch = { query: EVENT, variables, operationName: 'AttendeesEvent', context };
    const { event } = isId(id) ? await ask(askEvents, eventAnswer, fetch) : { event: null };
    if (event === null) throw new GraphQLError('There is no such event.', { extensions: { code: 'NOT_FOUND' } });
    return event.timeZone;
  }

  async function pageAfter(id: string, after: string | null, context: GatewayContext): Promise<Page> {
    const variables = { representations: [{ __typename: 'Event', id }], first: PAGE_SIZE, after };
    const fetch = { query: PAGE, variables, operationName: 'Attendees', context };
    const page = (await ask(askBookings, pageAnswer, fetch))._entities[0]?.bookings;
    if (page == null) throw forbidden();
    return page;
  }

  async function* linesOf(id: string, context: GatewayContext, first: { page: Page; timeZone: string }) {
    const timeText = timeIn(first.timeZone);
    yield csvLine(['booking', 'name', 'email', 'seats', 'status', `created at (${first.timeZone})`]);
    for (let { page } = first; ; ) {
      const lines = page.nodes.map(({ id: booking, attendee, seatCount, status, createdAt }) =>
        csvLine([booking, attendee?.name ?? '', attendee?.email ?? '', seatCount, status, timeText(createdAt)]),
      );
      yield lines.join('');
      const { hasNextPage, endCursor } = page.pageInfo;
      if (!hasNextPage) return;
      page = await pageAfter(id, endCursor, context);
    }
  }

  async function open(id: string, context: GatewayContext): Promise<Readable> {
    if (context.caller === null) throw unauthenticated();
    if (downloads >= DOWNLOADS_MAX) throw unavailable();
    downloads += 1;
    try {
      const timeZone = await timeZoneOf(id, context);
      const page = await pageAfter(id, null, context);
      const lines = Readable.from(linesOf(id, context, { page, timeZone }), { highWaterMark: 1 });
      const timer = setTimeout(() => lines.destroy(new Error('the download took too long')), downloadMsMax);
      lines.once('error', (error) =>
        logger.warn({ err: error, requestId: context.requestId }, 'a download was broken off'),
      );
      lines.once('close', () => {
        clearTimeout(timer);
        downloads -= 1;
      });
      return lines;
    } catch (error) {
      downloads -= 1;
      throw error;
    }
  }

  return async (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply) => {
    request.details.operation = 'Attendees';
    request.details.operationType = 'query';
    const { id } = request.params;
    try {
      const lines = await open(id, await readContext(request, reply));
      return reply
        .header('content-type', 'text/csv; charset=utf-8; header=present')
        .header('content-disposition', `attachment; filename="attendees-${id}.csv"`)
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(lines);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      const { code, retryAfter } = error.extensions;
      if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
      const errors = [{ message: error.message, extensions: { code, retryAfter } }];
      return reply
        .code(STATUSES[String(code)] ?? 500)
        .type('application/json')
        .send(JSON.stringify({ errors }));
    }
  };
}

/** Returns a function that writes a time in a zone, like 2030-06-01 21:30:00. A zone that is not known becomes UTC. */
function timeIn(timeZone: string): (iso: string) => string {
  const options = { dateStyle: 'short', timeStyle: 'medium' } as const;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('sv-SE', { ...options, timeZone });
  } catch {
    format = new Intl.DateTimeFormat('sv-SE', { ...options, timeZone: 'UTC' });
  }
  return (iso) => format.format(new Date(iso));
}
