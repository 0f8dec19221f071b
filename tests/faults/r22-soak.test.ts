import { SERVICES, SUBGRAPHS } from '#services';
import { faultTest } from '../support/fault-test.ts';
import { down, type Fault, frozen, halfOpen, hung, killed, silent, slow } from '../support/faults.ts';
import { connectTo } from '../support/invariants.ts';
import { IS_FULL_RUN, SEED } from '../support/promise.ts';
import { createRandom, oneOf } from '../support/random.ts';
import { DATABASES } from '../support/rig.ts';

/** `npm run test:soak -- --seconds N` sets it. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? (IS_FULL_RUN ? 60 : 10));
const LASTS_MS = { min: 500, max: 4_000 };
/** The time after a fault until the next one, about. */
const RECOVERY_MS = 3_000;
const PARTS = ['Redis', 'broker', 'databases', ...DATABASES, ...SUBGRAPHS] as const;
const random = createRandom(SEED);

/** Each returns a random fault of its kind. */
const KINDS: readonly (() => Fault)[] = [
  () => down(oneOf(PARTS, random)),
  () => silent(oneOf(PARTS, random)),
  () => slow(oneOf(PARTS, random), Math.round(100 + random() * 2_000)),
  () => halfOpen(oneOf(PARTS, random)),
  () => frozen(oneOf(['database', 'Redis', 'broker'], random)),
  () => killed(oneOf(SERVICES, random)),
  () => hung(oneOf(SERVICES, random)),
];

function planFaults(): Fault[] {
  const faults: Fault[] = [];
  for (let leftMs = SECONDS * 1_000; leftMs > 0; ) {
    const lastsMs = Math.round(LASTS_MS.min + random() * (LASTS_MS.max - LASTS_MS.min));
    faults.push({ ...oneOf(KINDS, random)(), lastsMs });
    leftMs -= lastsMs + RECOVERY_MS;
  }
  return faults;
}

faultTest('R22: a random sequence of faults breaks no guarantee', {
  faults: planFaults(),
  control: {
    without: 'the right owner of one booking',
    fails: /G2: bookings are stored as they were acknowledged/,
    faults: [],
    async sabotage({ system }) {
      const database = await connectTo(system.databaseUrls.booking);
      await database.query("UPDATE bookings SET user_id = 'somebody-else' ORDER BY id LIMIT 1");
      await database.end();
    },
  },
});
