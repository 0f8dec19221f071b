import { type JetStreamManager, NatsError, type StreamConfig, type StreamInfo } from 'nats';

const NOT_FOUND = 404;
/**
 * JetStream's codes for: no resources in the cluster, the server's, the account's or the reserved storage is used up.
 */
const NO_ROOM_CODES: ReadonlySet<unknown> = new Set([10_005, 10_023, 10_028, 10_047]);

/** True when the server says that there is no such stream or consumer. */
export const isMissing = (error: unknown): boolean => error instanceof NatsError && error.api_error?.code === NOT_FOUND;

/** The stream, created unless there is one. @throws Error that says so when the server has no room for its limit */
export async function createWhereMissing(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string; max_bytes: number },
): Promise<StreamInfo> {
  try {
    return await manager.streams.info(config.name);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return await manager.streams.add(config).catch((refusal) => {
      throw explained(refusal, config);
    });
  }
}

/** What is left is for publishers that looked at the same time. */
const FULL_RATIO = 0.9;

/** @throws Error when a stream holds nine tenths of what it may */
export function refuseWhereFull({ config, state }: StreamInfo): void {
  if (config.max_bytes > 0 && state.bytes >= FULL_RATIO * config.max_bytes) {
    throw new Error(
      `the stream ${config.name} is full: ${state.bytes} of ${config.max_bytes} bytes are not acknowledged yet`,
    );
  }
}

/** The refusal of a stream's settings in words that help, with the server's own as its cause. */
export function explained(error: unknown, { name, max_bytes }: { name: string; max_bytes: number }): unknown {
  if (!(error instanceof NatsError) || !NO_ROOM_CODES.has(error.api_error?.err_code)) return error;
  const message =
    `the broker has less disk than the stream ${name} may take, ${max_bytes} bytes: ` +
    `raise max_file_store or lower the stream's ..._STREAM_BYTES_MAX`;
  return new Error(message, { cause: error });
}
