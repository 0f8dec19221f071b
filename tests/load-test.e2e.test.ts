import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import type { LoadReport } from '../bench/load/report.ts';
import { book as bookSeats, clientWith, createEvent, signUp, ticketCodeOf } from './support/client.ts';
import { connectTo } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const TIMEOUT_MS = 60_000;

/** The commands that use the graph as their users do, on a system whose databases they may read. */
describe('the commands of the typed client', { timeout: 2 * TIMEOUT_MS }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ebs-load-'));
  let system: TestSystem;
  let database: Connection;

  beforeAll(async () => {
    system = await startTestSystem();
    database = await connectTo(system.databaseUrls.booking);
  });
  afterAll(async () => {
    rmSync(dataDir, { recursive: true });
    await Promise.all([database?.end(), system?.stop()]);
  });

  function run(script: string, args: readonly string[], input = ''): Promise<{ code: number; output: string }> {
    const { booking, notification } = system.databaseUrls;
    const env = {
      ...process.env,
      DATA_DIR: dataDir,
      DATABASE_URL_BOOKING: booking,
      DATABASE_URL_NOTIFICATION: notification,
    };
    const command = [join(root, script), ...args, '--url', system.graphqlUrl];
    return new Promise((resolve) => {
      const child = execFile(process.execPath, command, { env, timeout: TIMEOUT_MS }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
      );
      child.stdin?.end(input);
    });
  }

  function readReport(): LoadReport {
    const folder = join(dataDir, 'load-test');
    const file = readdirSync(folder).findLast((name) => name.endsWith('.json')) ?? '';
    expect(existsSync(join(folder, file.replace('.json', '.html')))).toBe(true);
    return JSON.parse(readFileSync(join(folder, file), 'utf8'));
  }

  const LOAD = ['--users', '5', '--bookings', '60', '--rate', '100', '--events', '2', '--seats', '20'];

  it('npm run load-test reports the bookings that the database has, apart from refusals', async () => {
    const { code, output } = await run('bench/load-test.ts', LOAD);
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('checked in the databases') });
    const { summary, invariants } = readReport();
    const [stored] = await database.query<{ bookings: bigint; events: bigint; users: bigint; seats: bigint }[]>(
      `SELECT COUNT(*) AS bookings, COUNT(DISTINCT event_id) AS events, COUNT(DISTINCT user_id) AS users,
              SUM(seat_count) AS seats FROM bookings`,
    );
    expect(summary).toMatchObject({
      bookings: 60,
      confirmed: Number(stored?.bookings),
      refused: 60 - Number(stored?.bookings),
      failed: 0,
      codes: { SOLD_OUT: summary.refused },
    });
    expect(summary.confirmed).toBeGreaterThan(0);
    expect(summary.refused).toBeGreaterThan(0);
    expect(Number(stored?.seats)).toBeLessThanOrEqual(40);
    expect(Number(stored?.events)).toBe(2);
    expect(Number(stored?.users)).toBeGreaterThan(1);
    expect(summary.intervals.reduce((sum, { confirmed }) => sum + confirmed, 0)).toBe(summary.confirmed);
    expect(invariants).toEqual({ checkedIn: 'the databases', oversold: 0, problems: [] });
  });

  it('npm run demo:sale sells every seat once and shows plain lines without a terminal', async () => {
    const { code, output } = await run('bench/demo-sale.ts', ['--seats', '15', '--buyers', '60', '--seconds', '1']);
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringContaining('0 oversold: 15 of 15 seats sold, 45 buyers refused, 0 failed'),
    });
    expect(output).toMatch(/0 seats left, +\d+ confirmed\/s, +\d+ refused\/s, p99 [-\d]+ ms/);
    expect(output).not.toContain('\x1b');
    const rows = await database.query(
      'SELECT event_id FROM inventories WHERE total_seats = 15 AND available_seats = 0',
    );
    expect(rows).toHaveLength(1);
  });

  it('npm run load-test fails when it misses a threshold', async () => {
    const { code, output } = await run('bench/load-test.ts', [...LOAD, '--min-confirmed-per-s', '1000000']);
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining('under 1000000') });
    expect(readReport().missedThresholds).toHaveLength(1);
  });

  it('npm run cli books an event, finds the booking again, cancels it, holds seats, and waits for seats', async () => {
    const password = 'correct horse battery\n';
    expect(await run('scripts/cli.ts', ['bookings'])).toMatchObject({
      code: 1,
      output: expect.stringContaining('Sign in'),
    });
    const signedUp = await run('scripts/cli.ts', ['sign-up', 'Ada Lovelace', 'ada@example.com'], password);
    expect(signedUp).toEqual({ code: 0, output: 'Signed in as Ada Lovelace.\n' });
    expect(statSync(join(dataDir, 'cli/session.json')).mode & 0o777).toBe(0o600);

    const eventId = await createEvent(await signUp(system.graphqlUrl), { name: 'Chamber Music' });
    const book = ['book', eventId, '--seats', '2', '--key', 'the-key-of-the-cli'];
    expect((await run('scripts/cli.ts', book)).output).toMatch(/^Booked: 2 × Chamber Music/);
    const again = (await run('scripts/cli.ts', book)).output;
    const [, id = ''] = /^Already booked: .* The booking is (\S+)\.$/m.exec(again) ?? [];
    expect((await run('scripts/cli.ts', ['bookings'])).output).toBe(`${id}  confirmed  2 × Chamber Music\n`);
    expect((await run('scripts/cli.ts', ['cancel', id])).output).toContain('cancelled');
    expect((await run('scripts/cli.ts', ['events', 'chamber mus'])).output).toContain('100 of 100 seats free');
    const hold = async () => {
      const { output } = await run('scripts/cli.ts', ['hold', eventId, '--seats', '3']);
      return /^Held until \S+ UTC: 3 × Chamber Music\. The hold is (\S+)\.$/m.exec(output)?.[1] ?? output;
    };
    expect((await run('scripts/cli.ts', ['release', await hold()])).output).toBe('The hold of 3 seats is released.\n');
    const held = await hold();
    expect((await run('scripts/cli.ts', ['events', 'chamber mus'])).output).toContain('97 of 100 seats free');
    expect((await run('scripts/cli.ts', ['confirm', held])).output).toBe(`${held}  confirmed  3 × Chamber Music\n`);
    expect(await run('scripts/cli.ts', ['release', held])).toMatchObject({
      code: 1,
      output: expect.stringContaining('The hold has become a booking.'),
    });
    const { output: ticket } = await run('scripts/cli.ts', ['ticket', held]);
    expect(ticket).toContain(`${held}  confirmed  3 × Chamber Music`);
    expect(ticket).toMatch(/[▀▄█ ]{40}/);
    const [code = ''] = /^[A-Z2-7]{168}$/m.exec(ticket) ?? [];
    expect(await run('scripts/cli.ts', ['check-in', eventId, code])).toMatchObject({
      code: 1,
      output: expect.stringContaining('You may not do this.'),
    });
    expect(await run('scripts/cli.ts', ['ticket', id])).toMatchObject({
      code: 1,
      output: expect.stringContaining('There is no ticket for you'),
    });
    const seller = await signUp(system.graphqlUrl);
    const full = await createEvent(seller, { name: 'Full House', totalSeats: 1 });
    const sold = (await bookSeats(seller, full)).booking.id;
    const waited = (await run('scripts/cli.ts', ['wait', full])).output;
    const [, entry = ''] = /^(\S+) {2}waiting, 0 before you: 1 × Full House$/m.exec(waited) ?? [];
    expect(await run('scripts/cli.ts', ['wait', full, '--seats', '2'])).toMatchObject({
      code: 1,
      output: expect.stringContaining(`You wait for 1 seat. Leave first: npm run cli -- leave ${entry}`),
    });
    await seller.send('mutation ($id: ID!) { cancelBooking(input: { id: $id }) { __typename } }', { id: sold });
    const offered = (await run('scripts/cli.ts', ['waiting'])).output;
    expect(offered).toMatch(/^\S+ {2}offered: 1 × Full House\. The hold is \S+, held until \S+ \S+ UTC$/m);
    expect(await run('scripts/cli.ts', ['leave', entry])).toMatchObject({
      code: 1,
      output: expect.stringContaining('The seats were offered.'),
    });
    const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const refusals: [Record<string, unknown>, string][] = [
      [{ totalSeats: 1 }, 'The event does not have enough free seats. It has 1 seat.'],
      [{ salesStartAt: inHours(1) }, 'The sale of seats has not started yet. It starts at 2'],
      [{ salesEndAt: inHours(-1) }, 'The sale of seats has ended. It ended at 2'],
      [{ maxSeatsPerUser: 1 }, 'One user can have at most 1 seat. You can book 1 more.'],
    ];
    for (const [facts, words] of refusals) {
      const refused = ['book', await createEvent(seller, facts), '--seats', '2'];
      expect(await run('scripts/cli.ts', refused)).toMatchObject({ code: 1, output: expect.stringContaining(words) });
    }
    expect(await run('scripts/cli.ts', ['book', 'load'])).toMatchObject({
      code: 1,
      output: expect.stringContaining('Which of these events?'),
    });
    expect(await run('scripts/cli.ts', ['cancel'])).toMatchObject({
      code: 1,
      output: expect.stringContaining('Usage'),
    });
    expect((await run('scripts/cli.ts', ['sign-out'])).output).toBe('Signed out.\n');
    expect(existsSync(join(dataDir, 'cli/session.json'))).toBe(false);
    const signIn = await run('scripts/cli.ts', ['sign-in', 'ada@example.com'], 'a wrong password\n');
    expect(signIn).toMatchObject({ code: 1 });
    expect((await run('scripts/cli.ts', ['sign-in', 'ada@example.com'], password)).output).toContain('Ada');
  });

  it('npm run cli lets the guests of a ticket in, once', async () => {
    await run('scripts/cli.ts', ['sign-up', 'Olga', 'olga@example.com'], 'correct horse battery\n');
    const { accessToken, user } = JSON.parse(readFileSync(join(dataDir, 'cli/session.json'), 'utf8')).session;
    const olga = clientWith(system.graphqlUrl, { accessToken, userId: user.id });
    const [eventId, other] = [await createEvent(olga, { name: 'Open Stage' }), await createEvent(olga)];
    const guest = await signUp(system.graphqlUrl, 'Ada Lovelace');
    const code = await ticketCodeOf(guest, (await bookSeats(guest, eventId, { seatCount: 3 })).booking.id);
    const checkIn = async (...args: string[]) => (await run('scripts/cli.ts', ['check-in', ...args])).output;
    const scan = [eventId, code, '--seats', '2', '--key', 'first-door-first-scan'];
    expect(await checkIn(...scan)).toBe('Checked in: 2 seats. Now 2 of 3 seats of Ada Lovelace are in.\n');
    expect(await checkIn(...scan)).toContain('Already checked in: 2 seats.');
    expect(await checkIn(eventId, code, '--seats', '2')).toContain('It has 1 seat left.');
    expect(await checkIn(other, code)).toContain(`The ticket is for another event. Its event is ${eventId}.`);
    expect(await checkIn(eventId, 'forged')).toContain('This is not a genuine ticket.');
  });

  it('npm run cli manages the webhooks of an organizer', async () => {
    const webhook = (...args: string[]) => run('scripts/cli.ts', ['webhook', ...args]);
    const account = ['sign-up', 'Olga Organizer', 'olga@example.com'];
    await run('scripts/cli.ts', account, 'correct horse battery\n');
    expect(await webhook('list')).toEqual({ code: 0, output: 'You have no endpoints.\n' });
    const { output } = await webhook(
      'add',
      'https://tickets.example/cli',
      '--kinds',
      'booking.confirmed,event.created',
    );
    const [, id = ''] =
      /^(\S+) {2}on {2}https:\/\/tickets\.example\/cli {2}event\.created,booking\.confirmed$/m.exec(output) ?? [];
    expect(output).toMatch(/^Its secret, which is not shown again: whsec_\S{44}$/m);
    expect((await webhook('list')).output).toContain(id);
    expect(await webhook('add', 'https://10.0.0.1/')).toMatchObject({
      code: 1,
      output: expect.stringContaining('input.url must not be an address of a private network.'),
    });
    expect(await webhook('add', 'https://tickets.example/other', '--kinds', 'nothing')).toMatchObject({
      code: 1,
      output: expect.stringContaining('There is no kind nothing.'),
    });
    expect((await webhook('off', id)).output).toContain('off (owner)');
    expect((await webhook('on', id)).output).toContain(`${id}  on  `);
    expect((await webhook('log', id)).output).toBe('There are no messages yet.\n');
    expect((await webhook('rotate', id)).output).toMatch(/whsec_\S{44}\nThe secrets before it are valid until 2/);
    expect(await webhook('redeliver', id)).toMatchObject({
      code: 1,
      output: expect.stringContaining('There is no such delivery.'),
    });
    expect((await webhook('delete', id)).output).toBe(`Deleted ${id}.\n`);
    expect(await webhook('on')).toMatchObject({ code: 1, output: expect.stringContaining('Usage') });
  });

  it('both loads report a seat that was sold twice', async () => {
    await database.query(
      'UPDATE inventories SET available_seats = available_seats + 1, total_seats = total_seats - 1 LIMIT 1',
    );
    for (const [script, args] of [
      ['bench/load-test.ts', LOAD],
      ['bench/demo-sale.ts', ['--seats', '5', '--buyers', '10', '--seconds', '1']],
    ] as const) {
      expect(await run(script, args)).toMatchObject({
        code: 1,
        output: expect.stringMatching(/Event \S+ has \d+ seats, but/),
      });
    }
  });
});
