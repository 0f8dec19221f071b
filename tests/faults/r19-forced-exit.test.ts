import { expect, vi } from 'vitest';
import { type Buyer, signInMany } from '../support/buyers.ts';
import { createEvent, signUp } from '../support/client.ts';
import { createGatewayClient } from '../support/gateway-client.ts';
import { promise } from '../support/promise.ts';
import { startRig } from '../support/rig.ts';
import { logsOf } from '../support/visitors.ts';

const STOP_TIMEOUT_MS = 1_000;
/** Extra time for a busy machine. It is shorter than the time limit of the request. */
const GRACE_MS = 3_000;

promise(
  'R19: a service whose requests do not end exits when its time is up',
  {
    without: 'a time limit for the stop',
    fails: /R19: it has exited/,
  },
  {
    async prove(isControl) {
      const rig = await startRig({ env: { STOP_TIMEOUT_MS: String(isControl ? 60_000 : STOP_TIMEOUT_MS) } });
      const { system, proxies } = rig;
      const eventId = await createEvent(await signUp(system.graphqlUrl));
      const [buyer] = (await signInMany(1, system.secrets)) as [Buyer];
      const client = createGatewayClient(system.graphqlUrl);
      const request = { kind: 'book', buyer, eventId, seatCount: 1, key: 'the-hanging-booking' } as const;
      expect(await client.send(request)).toMatchObject({ outcome: 'booked' });
      proxies['booking database'].hang();
      const hanging = client.send({ ...request, key: 'another' });
      await vi.waitFor(() => expect(proxies['booking database'].acceptedCount()).toBeGreaterThan(0));
      try {
        system.terminate(system.urls.booking);
        const hasExited = () => expect(system.isRunning(system.urls.booking), 'R19: it has exited').toBe(false);
        await vi.waitFor(hasExited, { timeout: STOP_TIMEOUT_MS + GRACE_MS, interval: 50 });
        expect(logsOf(system).map(({ msg }) => msg)).toContain('the shutdown took too long; exiting now');
        expect(await hanging).toMatchObject({ outcome: 'unavailable' });
      } finally {
        proxies['booking database'].restore();
        await client.close();
        await rig.stop();
      }
    },
  },
);
