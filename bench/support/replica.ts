/** One booking replica of bench/replicas.ts, in a process of its own. It measures when it is told to, and sends the result. */
import { measure } from './load.ts';
import { allocatorDirectly } from './variants.ts';

/** A measurement: the events to book on, the number of callers, and the times. */
export interface ReplicaRun {
  readonly eventIds: readonly string[];
  readonly concurrency: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
}

const replica = allocatorDirectly(process.env.DATABASE_URL ?? '', 'driver');

process.on('message', async ({ eventIds, ...load }: ReplicaRun) => {
  let next = 0;
  const ask = () => replica.book(eventIds[next++ % eventIds.length] as string);
  process.send?.(await measure(ask, load));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
