/**
 * npm run demo:sale -- [--seats 500] [--buyers 3000] [--seconds 10] [--url URL]
 *
 * Draws a flash sale in the terminal: the buyers arrive at random times within the seconds, and each wants one seat. It
 * ends with "0 oversold" and exit code 0, or with what is wrong and exit code 1. Without --url it starts a system of its
 * own. The buyers share at most 50 accounts.
 */
import type { Client } from '#client/client.ts';
import { parseArguments, runScript } from '#scripts/local/run-script.ts';
import { LocalError } from '#scripts/local/settings.ts';
import { arrivalTimesMs } from './load/arrivals.ts';
import { readCount } from './load/options.ts';
import { type Booking, type Load, startLoad } from './load/run.ts';
import { countOf, p99Ms, summarize } from './load/summary.ts';
import { type Target, withTarget } from './load/target.ts';
import { bar, showWhile } from './load/terminal.ts';

const ACCOUNTS_MAX = 50;
/** The rates and the p99 are of the answers in this time. */
const RECENT_MS = 2_000;

async function sell(
  target: Target,
  { seats, buyers, seconds }: { seats: number; buyers: number; seconds: number },
): Promise<string> {
  const clients = await target.openClients(Math.min(buyers, ACCOUNTS_MAX));
  const [organizer] = clients as [Client];
  const eventIds = [await target.createEvent(organizer, seats)];
  console.log(`\n  ${buyers} buyers want ${seats} seats.\n`);
  const dueTimesMs = arrivalTimesMs(buyers, { ratePerS: buyers / seconds, arrivals: 'poisson' });
  const load = startLoad({ clients, eventIds, dueTimesMs });
  await showWhile(load.done, () => linesOf(load, seats));
  const { oversold, problems } = await target.check(organizer, load.bookings);
  const { confirmed, refused, failed, codes } = summarize(load.bookings);
  const outcome = `${oversold} oversold: ${confirmed} of ${seats} seats sold, ${refused} buyers refused, ${failed} failed`;
  const wrong = [...problems, ...(failed > 0 ? [`The codes of refusals and failures: ${JSON.stringify(codes)}`] : [])];
  if (wrong.length > 0) throw new LocalError([outcome, ...wrong].join('\n'));
  return `${outcome}. Checked in ${target.checkedIn}.`;
}

/** Returns the picture of the sale. Its first line has all numbers. */
function linesOf({ bookings, planned, nowMs }: Load, seats: number): [string, ...string[]] {
  const spanMs = Math.min(nowMs(), RECENT_MS);
  const sinceMs = nowMs() - RECENT_MS;
  const recent = bookings.slice(bookings.findLastIndex(({ answeredMs }) => answeredMs < sinceMs) + 1);
  const perS = (outcome: Booking['outcome']) =>
    `${((1_000 * countOf(recent, outcome)) / spanMs).toFixed(0).padStart(5)} ${outcome}/s`;
  const left = seats - countOf(bookings, 'confirmed');
  const p99 = recent.length > 0 ? p99Ms(recent).toFixed(0) : '-';
  const numbers = `${perS('confirmed')}, ${perS('refused')}, p99 ${p99} ms`;
  return [
    `  ${String(left).padStart(6)} seats left, ${numbers}`,
    `  seats  ${bar(left / seats)}`,
    `  buyers ${bar(bookings.length / planned)}  ${bookings.length} of ${planned} answered`,
  ];
}

await runScript(async () => {
  const { values } = parseArguments(
    {
      options: {
        seats: { type: 'string', default: '500' },
        buyers: { type: 'string', default: '3000' },
        seconds: { type: 'string', default: '10' },
        url: { type: 'string' },
      },
    },
    'npm run demo:sale -- [--seats 500] [--buyers 3000] [--seconds 10] [--url URL]',
  );
  const sale = {
    seats: readCount(values, 'seats'),
    buyers: readCount(values, 'buyers'),
    seconds: readCount(values, 'seconds'),
  };
  let outcome = '';
  await withTarget(values.url, {}, async (target) => {
    outcome = await sell(target, sale);
  });
  console.log(`\n  ${outcome}`);
});
