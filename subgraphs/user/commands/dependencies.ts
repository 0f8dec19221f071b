import type { Publisher } from '#platform/outbox/publisher.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { IssueAccessToken } from '../credentials/access-tokens.ts';
import type { CredentialLimits } from '../credentials/credential-limits.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { UserDatabase } from '../store/users.ts';

/** What the commands need from outside. */
export interface UserDependencies {
  readonly database: UserDatabase;
  readonly relay: Publisher;
  readonly logger: Logger;
  readonly passwords: Passwords;
  readonly limits: CredentialLimits;
  readonly issueAccessToken: IssueAccessToken;
  readonly refreshTokenTtlS: number;
  readonly now: () => Date;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}

/** A command's input, and the request that it came with. Who makes it is what these commands find out. */
export interface CommandRequest<Input> {
  readonly requestId: string;
  /** Where it came from, as rate limits see it. */
  readonly clientAddress: string;
  readonly input: Input;
}
