import { createTestBroker } from '#platform/testing/messaging.ts';
import { CONTRACTS } from '#scripts/messages.ts';
import { eachOfMany } from './random.ts';
import type { TestSystem } from './system.ts';

const READ_AT_ONCE = 20;
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
    /** Returns the messages of a stream, in order. `id` is the id of the object that the message is about. */
    async readAll(stream: string) {
      const { streams } = await manager();
      const { state, config } = await info(stream);
      const seqs = Array.from({ length: state.messages }, (_, index) => state.first_seq + index);
      return eachOfMany(seqs, READ_AT_ONCE, async (seq) => {
        const { subject, data } = await streams.getMessage(config.name, { seq });
        const message = JSON.parse(new TextDecoder().decode(data)) as { id: string; type: string; subject: string };
        return { subject, data, type: message.type, id: message.subject, messageId: message.id };
      });
    },
    async each(change: (stream: string) => Promise<unknown>): Promise<void> {
      for (const stream of STREAMS) await change(broker.resourceName(stream));
    },
    manager,
    close: broker.close,
  };
}

export type Streams = ReturnType<typeof openStreams>;
