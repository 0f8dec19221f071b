import { type JetStreamManager, NatsError, type StreamConfig, type StreamInfo } from 'nats';

const NOT_FOUND = 404;
/** JetStream's codes for exhausted storage of the cluster, the server or the account, or of the reserved storage. */
const NO_ROOM_CODES: ReadonlySet<unknown> = new Set([10_005, 10_023, 10_028, 10_047]);

/** True when the server reports that a stream or consumer does not exist. */
export const isMissing = (error: unknown): boolean => error instanceof NatsError && error.api_error?.code === NOT_FOUND;

/**
 * Returns the stream, and creates it if it is missing.
 * @throws Error when the server has too little disk space for its limit
 */
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

/** Less than 1, because several publishers can check at the same time before they publish. */
const FULL_RATIO = 0.9;

/** @throws Error when at least FULL_RATIO of the stream's bytes are used */
export function refuseWhereFull({ config, state }: StreamInfo): void {
  if (config.max_bytes > 0 && state.bytes >= FULL_RATIO * config.max_bytes) {
    throw new Error(`the stream ${config.name} is full: ${state.bytes} of ${config.max_bytes} bytes are used`);
  }
}

/**
 * Replaces the server's error for too little disk space by one that says what to do. Returns other errors unchanged.
 */
export function explained(error: unknown, { name, max_bytes }: { name: string; max_bytes: number }): unknown {
  if (!(error instanceof NatsError) || !NO_ROOM_CODES.has(error.api_error?.err_code)) return error;
  const message =
    `the broker has less disk than the stream ${name} may take, ${max_bytes} bytes: ` +
    `raise max_file_store or lower the stream's ..._STREAM_BYTES_MAX`;
  return new Error(message, { cause: error });
}
