/** A message that a consumer gave up on, kept as it arrived. */
export interface DeadLetter {
  readonly id: string;
  readonly consumer: string;
  readonly subject: string;
  /** The message's body; it need not be text. */
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly reason: string;
  readonly deliveries: number;
  readonly createdAt: Date;
  readonly redrivenAt: Date | null;
}
