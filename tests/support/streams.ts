import { createTestBroker } from '#platform/testing/messaging.ts';
import { CONTRACTS } from '#scripts/messages.ts';
import type { TestSystem } from './system.ts';

const STREAMS = Object.values(CONTRACTS).map(({ stream }) => stream.name);

/** Gives a test access to the streams of a system. Stream names are without the prefix. */
export function openStreams(system: TestSystem) {
  const broker = createTestBroker({ url: system.natsUrl, prefix: system.natsPrefix });
  const manager = async () => (await broker.jetStream()).manager;
  const info = async (stream: string) => (await manager()).streams.info(broker.resourceName(stream));
  return {
    broker,
    info,
    consumer: async (stream: string, name: string) =>
      (await manager()).consumers.info(broker.resourceName(stream), broker.resourceName(name)),
    /** The number of messages in all three streams. */
    async countAll(): Promise<number> {
      const all = await Promise.all(STREAMS.map(info));
      return all.reduce((sum, { state }) => sum + state.messages, 0);
    },
    async each(change: (stream: string) => Promise<unknown>): Promise<void> {
      for (const stream of STREAMS) await change(broker.resourceName(stream));
    },
    manager,
    close: broker.close,
  };
}

export type Streams = ReturnType<typeof openStreams>;
