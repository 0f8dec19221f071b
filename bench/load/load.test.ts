import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Client, createClient } from '#client/client.ts';
import { createRandom } from '#tests/support/random.ts';
import { arrivalTimesMs } from './arrivals.ts';
import { readCount, readNumber } from './options.ts';
import { type LoadReport, reportPage } from './report.ts';
import { type Booking, startLoad } from './run.ts';
import { missedThresholds, p99Ms, percentile, summarize } from './summary.ts';
import { bar, showWhile } from './terminal.ts';

const booking = (answeredMs: number, change: Partial<Booking> = {}): Booking => ({
  eventId: 'e',
  key: 'k',
  dueMs: 0,
  answeredMs,
  outcome: 'confirmed',
  ...change,
});

describe('arrivals', () => {
  it('are equally far apart when they are constant', () => {
    expect(arrivalTimesMs(4, { ratePerS: 100, arrivals: 'constant' })).toEqual([10, 20, 30, 40]);
  });

  it('have exponentially distributed gaps with the mean of the rate when they are of a Poisson process', () => {
    const times = arrivalTimesMs(20_000, { ratePerS: 100, arrivals: 'poisson', random: createRandom(1) });
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
    expect(mean).toBeCloseTo(10, 0);
    // The median of an exponential distribution is its mean times ln 2.
    expect(
      percentile(
        gaps.toSorted((one, other) => one - other),
        50,
      ),
    ).toBeCloseTo(10 * Math.LN2, 0);
  });
});

describe('a load', () => {
  const answerTo = (createBooking: object) => ({ data: { createBooking } });
  const clientWith = (fetch: () => Promise<Response>): Client =>
    createClient({ url: 'http://gateway/graphql', fetch, attemptsMax: 1 });

  it('counts confirmed, refused and failed bookings, with their codes', async () => {
    const answers = [
      answerTo({ __typename: 'CreateBookingPayload', booking: { id: 'b' } }),
      answerTo({ __typename: 'SoldOutError', code: 'SOLD_OUT' }),
      { data: null, errors: [{ message: '', extensions: { code: 'RATE_LIMITED' } }] },
    ];
    const load = startLoad({
      clients: [clientWith(async () => Response.json(answers.shift()))],
      eventIds: ['e'],
      dueTimesMs: [0, 0, 0],
    });
    await load.done;
    expect(load.bookings).toMatchObject([
      { outcome: 'confirmed', bookingId: 'b' },
      { outcome: 'refused', code: 'SOLD_OUT' },
      { outcome: 'failed', code: 'RATE_LIMITED' },
    ]);
    expect(new Set(load.bookings.map(({ key }) => key)).size).toBe(3);
  });

  it('does not wait for answers, and measures from the time when a booking was due', async () => {
    const waiting: ((response: Response) => void)[] = [];
    const clients = [clientWith(() => new Promise((resolve) => waiting.push(resolve)))];
    // The first two are late: they were due before the load began.
    const load = startLoad({ clients, eventIds: ['e'], dueTimesMs: [-5_000, -1_000, 1] });
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    for (const answer of waiting) answer(Response.json(answerTo({ __typename: 'SoldOutError', code: 'SOLD_OUT' })));
    await load.done;
    const latencies = load.bookings.map(({ dueMs, answeredMs }) => answeredMs - dueMs);
    expect(latencies[0]).toBeGreaterThanOrEqual(5_000);
    expect(p99Ms(load.bookings)).toBe(Math.max(...latencies));
  });
});

describe('a summary', () => {
  it('takes percentiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0, 50, 99, 99.9, 100].map((percent) => percentile(hundred, percent))).toEqual([1, 50, 99, 100, 100]);
    expect(percentile([7], 50)).toBe(7);
    expect(percentile([], 50)).toBeNaN();
  });

  it('counts confirmed bookings apart from refusals and failures', () => {
    const bookings = [
      booking(500, { dueMs: 400 }),
      booking(1_000, { dueMs: 700 }),
      booking(1_500, { dueMs: 1_495, outcome: 'refused', code: 'SOLD_OUT' }),
      booking(2_000, { dueMs: 0, outcome: 'failed', code: 'NO_ANSWER' }),
    ];
    expect(summarize(bookings)).toMatchObject({
      durationS: 2,
      confirmed: 2,
      refused: 1,
      failed: 1,
      confirmedPerS: 1,
      refusedPerS: 0.5,
      failedPercent: 25,
      codes: { SOLD_OUT: 1, NO_ANSWER: 1 },
      latencyMs: { all: { p50: 100, p100: 2_000 }, confirmed: { p50: 100, p100: 300 }, refused: { p50: 5 } },
      intervalS: 0.25,
    });
  });

  it('has at most 60 intervals, which contain all bookings', () => {
    for (const seconds of [3, 14, 59, 3_600]) {
      const { intervals, intervalS } = summarize(
        Array.from({ length: 500 }, (_, index) => booking((index + 1) * 2 * seconds)),
      );
      expect(intervals.length).toBeLessThanOrEqual(61);
      expect(intervals.reduce((sum, { confirmed }) => sum + confirmed, 0)).toBe(500);
      expect(intervals[1]?.fromS).toBe(intervalS);
    }
  });

  it('of 200,000 bookings is made', () => {
    expect(summarize(Array.from({ length: 200_000 }, (_, index) => booking(index)))).toMatchObject({
      durationS: 199.999,
      confirmed: 200_000,
    });
  });

  it('names the thresholds that were missed', () => {
    const summary = summarize([booking(100), booking(1_000), booking(2_000, { outcome: 'failed' })]);
    const all = { maxP99Ms: 2_000, minConfirmedPerS: 1, maxFailedPercent: 34 };
    expect(missedThresholds(summary, all)).toEqual([]);
    expect(missedThresholds(summary, { maxFailedPercent: 100 })).toEqual([]);
    for (const [change, text] of [
      [{ maxP99Ms: 1_999 }, /p99 is 2000.0 ms/],
      [{ minConfirmedPerS: 1.1 }, /1.0 bookings per second/],
      [{ maxFailedPercent: 33 }, /33.33 % of the bookings failed/],
    ] as const) {
      expect(missedThresholds(summary, { ...all, ...change })).toEqual([expect.stringMatching(text)]);
    }
    expect(missedThresholds(summarize([]), all)).not.toEqual([]);
  });
});

describe('the report', () => {
  const report: LoadReport = {
    title: 'Load test',
    startedAt: '2026-01-01T00:00:00.000Z',
    url: 'http://host/graphql?<script>',
    options: { users: 5 },
    summary: summarize([
      booking(400),
      booking(1_300),
      booking(900, { outcome: 'refused', code: 'SOLD_OUT' }),
      booking(2_600, { outcome: 'failed', code: 'NO_ANSWER' }),
    ]),
    retries: { SERVICE_UNAVAILABLE: 3 },
    invariants: { checkedIn: 'the databases', oversold: 0, problems: [] },
    missedThresholds: [],
  };

  it('has the numbers and three charts, works without other files and escapes texts', () => {
    const page = reportPage(report);
    expect(page.match(/<svg /g)).toHaveLength(3);
    expect(page).not.toMatch(/NaN|undefined|Infinity|https?:\/\/(?!host)|<script|src=|@import/);
    expect(page).toContain('<td>confirmed</td><td>2</td><td>0.77</td>');
    expect(page).toContain('<td>SOLD_OUT</td><td>1</td>');
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('All thresholds and invariants hold.');
  });

  it('says what is wrong', () => {
    const page = reportPage({ ...report, missedThresholds: ['The p99 is too high.'] });
    expect(page).toContain('The p99 is too high.');
    expect(page).not.toContain('All thresholds');
  });
});

describe('the view', () => {
  afterEach(() => vi.useRealTimers());

  async function draw(output: { isTTY?: boolean; columns?: number }): Promise<string[]> {
    vi.useFakeTimers();
    const written: string[] = [];
    let drawn = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const lines = (): [string, string] => [`line ${++drawn}`, 'a long second line'];
    const showing = showWhile(promise, lines, { ...output, write: (text) => written.push(text) });
    while (written.length === 0) await vi.advanceTimersByTimeAsync(100);
    resolve();
    await showing;
    return written;
  }

  it('is drawn in place in a terminal, cut to its width', async () => {
    const [first, second] = await draw({ isTTY: true, columns: 10 });
    expect(first).toBe('\x1b[2Kline 1\n\x1b[2Ka long se\n');
    expect(second).toBe('\x1b[2A\x1b[2Kline 2\n\x1b[2Ka long se\n');
  });

  it('is a plain line elsewhere', async () => {
    expect(await draw({})).toEqual(['line 1\n', 'line 2\n']);
  });

  it('has bars of a fixed width', () => {
    expect([-1, 0, 0.5, 1, 2].map((share) => bar(share, 4))).toEqual(['░░░░', '░░░░', '██░░', '████', '████']);
  });
});

it('numbers in options are checked', () => {
  expect(['2.5', '0', undefined].map((text) => readNumber({ p99: text }, 'p99'))).toEqual([2.5, 0, undefined]);
  for (const text of ['', ' ', '-1', 'many']) {
    expect(() => readNumber({ p99: text }, 'p99')).toThrow('--p99 takes a number');
  }
  expect(readCount({ users: '10' }, 'users')).toBe(10);
  for (const text of ['', '0', '-1', '2.5', 'many', undefined]) {
    expect(() => readCount({ users: text }, 'users')).toThrow('--users takes a whole number above 0');
  }
});
