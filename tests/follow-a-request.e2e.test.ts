import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { root } from '#scripts/local/settings.ts';
import { SERVICES } from '#services';
import { type Client, createEvent, signUp } from './support/client.ts';
import { connectTo } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const SOON = { timeout: 20_000, interval: 100 };
const BOOK = `mutation BookSeats($input: CreateBookingInput!) {
  createBooking(input: $input) { ... on CreateBookingPayload { booking { id } } ... on DomainError { code } }
}`;

interface Line {
  readonly service: string;
  readonly msg: string;
  readonly requestId?: string;
  readonly errorId?: string;
}

describe('an operator', () => {
  let system: TestSystem;
  let ada: Client;
  let eventId: string;
  beforeAll(async () => {
    system = await startTestSystem({ env: { LOG_LEVEL: 'info', RATE_LIMITS: 'on', ADMISSION_WAITING_MAX: '1000' } });
    ada = await signUp(system.graphqlUrl);
    eventId = await createEvent(ada);
  });
  afterAll(() => system?.stop());

  /** Returns the log lines of all services. */
  function readLogs(): Line[] {
    const files = globSync(join(system.dataDir, 'logs', `${system.natsPrefix.replace('.', '')}-*.log`));
    expect(files.map((file) => basename(file, '.log').replace(/^.*-/, '')).sort()).toEqual([...SERVICES].sort());
    return files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Line),
    );
  }

  /** Returns the value of the series of a metric, or the sum of several series. Missing series are 0. */
  async function readMetric(url: string, series: RegExp): Promise<number> {
    const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n').filter((line) => series.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async function ask(query: string, variables: object) {
    const response = await fetch(system.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ada.accessToken}` },
      body: JSON.stringify({ query, variables }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its answer
    return { requestId: response.headers.get('x-request-id') ?? '', body: (await response.json()) as any };
  }

  it('follows a booking by its request id through all services, and sees it once in each metric', async () => {
    const { gateway, booking, notification } = system.urls;
    const read = async () => ({
      operations: await readMetric(gateway, /^graphql_operations_total\{.*outcome="OK"/),
      calls: await readMetric(gateway, /^graphql_call_duration_seconds_count\{.*server="booking",outcome="data"/),
      booked: await readMetric(booking, /^allocator_outcomes_total\{.*kind="book",outcome="booked"/),
      seats: await readMetric(booking, /^seats_sold_total/),
      published: await readMetric(booking, /^outbox_published_total/),
      consumed: await readMetric(notification, /^messages_consumed_total\{.*consumer="notification-bookings"/),
      sent: await readMetric(notification, /^notification_attempts_total\{.*outcome="sent"/),
    });
    const before = await read();
    const input = { eventId, seatCount: 1, idempotencyKey: randomUUID() };
    const { requestId, body } = await ask(BOOK, { input });
    const bookingId = body.data.createBooking.booking.id;
    const linesOf = () => readLogs().filter((line) => line.requestId === requestId);
    await vi.waitFor(() => expect(linesOf().map(({ msg }) => msg)).toContain('notification sent'), SOON);
    const lines = linesOf().map(({ service, msg }) => `${service}: ${msg}`);
    expect(lines.sort()).toEqual([
      'booking: request',
      'gateway: request',
      'notification: message',
      'notification: notification sent',
    ]);
    expect(linesOf()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ operation: 'BookSeats', outcome: 'OK', callerId: ada.userId }),
        expect.objectContaining({ type: 'booking.confirmed.v1', subject: bookingId }),
        expect.objectContaining({ bookingId, channel: 'LOG' }),
      ]),
    );
    await vi.waitFor(async () => {
      const after = await read();
      const moved = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof typeof before]]);
      expect(Object.fromEntries(moved)).toEqual({
        operations: 1,
        calls: 1,
        booked: 1,
        seats: 1,
        published: 1,
        consumed: 1,
        sent: 1,
      });
    }, SOON);
  });

  /** Returns the names of the metrics of all services. */
  async function scrapeNames(): Promise<string[]> {
    const scraped = await Promise.all(
      Object.values(system.urls).map(async (url) => (await fetch(`${url}/metrics`)).text()),
    );
    return [...scraped.join('\n').matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);
  }

  it('finds each metric in the page about metrics, and the page names no others', async () => {
    const page = readFileSync(join(root, 'docs/operations/observability.md'), 'utf8');
    const [, section = ''] = page.split(/^## /m);
    const described = section.match(/^\| `.*?\|/gm)?.flatMap((cell) => cell.match(/\w+(?=`)/g) ?? []);
    const names = await scrapeNames();
    for (const prefix of ['nodejs_eventloop_lag_', 'nodejs_heap_', 'process_']) {
      expect(section).toContain(`\`${prefix}*\``);
      expect(names).toContainEqual(expect.stringMatching(`^${prefix}`));
    }
    const own = names.filter((name) => !/^(nodejs|process)_/.test(name));
    expect(described?.toSorted()).toEqual([...new Set(own)].toSorted());
  });

  it('finds every metric that an alert or a dashboard names', async () => {
    const rules = parse(readFileSync(join(root, 'monitoring/alerts.yml'), 'utf8')) as {
      groups: { rules: { expr: string }[] }[];
    };
    const dashboards = globSync(join(root, 'monitoring/dashboards/*.json')).map(
      (file): { panels: { targets: { expr: string }[] }[] } => JSON.parse(readFileSync(file, 'utf8')),
    );
    expect(dashboards).toHaveLength(5);
    const expressions = [
      ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
      ...dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))),
    ];
    const named = new Set(expressions.join('\n').match(/(?<![:\w])[a-z][a-z\d]*(?:_[a-z\d]+)+(?![:\w])/g));
    for (const itsFunction of ['histogram_quantile', 'last_over_time']) named.delete(itsFunction);
    expect(named.size).toBeGreaterThan(35);
    const known = new Set(await scrapeNames());
    const missing = [...named].filter((name) => !known.has(name.replace(/_(bucket|count|sum)$/, '')));
    expect(missing).toEqual([]);
  });

  it('finds the counters of rare faults before the first fault, because an alert sees only their increase', async () => {
    const { booking, notification } = system.urls;
    const scraped = await Promise.all(
      [booking, notification].map(async (url) => (await fetch(`${url}/metrics`)).text()),
    );
    for (const series of [
      /^booking_reconciliation_findings_total\{.*kind="wrong-seats".* 0$/m,
      /^messages_dead_lettered_total\{.*consumer="booking-events".* 0$/m,
      /^messages_dead_lettered_total\{.*consumer="notification-bookings".* 0$/m,
      /^notification_attempts_total\{.*channel="EMAIL",outcome="failed".* 0$/m,
    ]) {
      expect(scraped.join('\n')).toMatch(series);
    }
  });

  it('finds the cause of a masked error by its id: the lines of its request in every service', async () => {
    const bookings = await connectTo(system.ownerUrl('booking'));
    await bookings.query('RENAME TABLE bookings TO hidden');
    try {
      const { requestId, body } = await ask('query Mine { bookings { nodes { id } } }', {});
      const { code, errorId } = body.errors[0].extensions;
      expect({ code, isMasked: !JSON.stringify(body).includes('hidden') }).toEqual({
        code: 'INTERNAL_SERVER_ERROR',
        isMasked: true,
      });
      await vi.waitFor(() => {
        const lines = readLogs();
        const found = lines.filter((line) => line.errorId === errorId);
        expect(found).toEqual(expect.arrayContaining([expect.objectContaining({ service: 'gateway', requestId })]));
        const cause = lines.find((line) => line.requestId === requestId && line.msg === 'unexpected error');
        expect(JSON.stringify(cause)).toContain("bookings' doesn't exist");
      }, SOON);
    } finally {
      await bookings.query('RENAME TABLE hidden TO bookings');
      await bookings.end();
    }
  });
});
