import type { Caller } from '#platform/identity/identity.ts';
import type { Sealer } from '#platform/messaging/sealer.ts';
import type { Publisher } from '#platform/outbox/publisher.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { IssueAccessToken } from '../credentials/access-tokens.ts';
import type { CredentialLimits } from '../credentials/credential-limits.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { UserDatabase } from '../store/users.ts';

/** The services and settings that the commands use. */
export interface UserDependencies {
  readonly database: UserDatabase;
  readonly relay: Publisher;
  readonly logger: Logger;
  readonly passwords: Passwords;
  readonly limits: CredentialLimits;
  /** Encrypts the tokens in messages. */
  readonly sealer: Sealer;
  readonly issueAccessToken: IssueAccessToken;
  readonly refreshTokenTtlS: number;
  readonly now: () => Date;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}

/** A command's input and its request. */
export interface CommandRequest<Input> {
  readonly requestId: string;
  /** The client address that rate limits are counted for. */
  readonly clientAddress: string;
  readonly input: Input;
}

/** A command's input and its request by a signed-in user. */
export interface CallerRequest<Input> extends CommandRequest<Input> {
  readonly caller: Caller;
}
