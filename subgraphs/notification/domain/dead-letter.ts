/** A message that a consumer could not process, stored unchanged. */
export interface DeadLetter {
  readonly id: string;
  readonly consumer: string;
  readonly subject: string;
  /** The message's body, which may be any bytes. */
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly reason: string;
  readonly deliveries: number;
  readonly createdAt: Date;
  readonly redrivenAt: Date | null;
}
