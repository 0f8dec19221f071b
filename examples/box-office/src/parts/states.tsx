import { Alert, Button, Skeleton, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import { OperationError } from '#client/answers.ts';
import { queries } from '../client.ts';
import { type Refusal, wordsFor } from '../words.ts';
import { ButtonLink } from './links.tsx';

let isFirstPage = true;

/** A page with its heading. A new page takes the focus, so that screen readers announce it. */
export function Page({ title, intro, children }: { title: string; intro?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Box Office`;
  }, [title]);
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus();
    isFirstPage = false;
  }, []);
  return (
    <>
      <Title order={1} ref={heading} tabIndex={-1} className="page-title">
        {title}
      </Title>
      {intro !== undefined && (
        <Text c="dimmed" className="intro">
          {intro}
        </Text>
      )}
      {children}
    </>
  );
}

/** Says why something did not work. `retry` adds a button. */
export function Problem({ of, retry }: { of: Refusal | Error; retry?: (() => void) | undefined }) {
  const isSignedOut = of instanceof OperationError && of.code === 'UNAUTHENTICATED';
  return (
    <Alert color="red" variant="light" role="alert" className="problem">
      <p>{wordsFor(of)}</p>
      {isSignedOut ? (
        <ButtonLink href="/sign-in" size="xs" variant="default">
          Sign in
        </ButtonLink>
      ) : (
        retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )
      )}
    </Alert>
  );
}

/** What a list shows without entries. */
export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <svg viewBox="0 0 64 40" aria-hidden="true">
        <path d="M4 8a4 4 0 0 1 4-4h48a4 4 0 0 1 4 4v7a5 5 0 0 0 0 10v7a4 4 0 0 1-4 4H8a4 4 0 0 1-4-4v-7a5 5 0 0 0 0-10z" />
        <path d="M44 8v24" strokeDasharray="1 5" />
      </svg>
      <Title order={2}>{title}</Title>
      {children}
    </div>
  );
}

interface Query<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  readonly isFetching: boolean;
  refetch(): unknown;
}

/** Shows the data of a query, or that it is on its way, or why it did not come. */
export function Loaded<Data>({ query, children }: { query: Query<Data>; children: (data: Data) => ReactNode }) {
  const { data, error } = query;
  if (data !== undefined) return children(data);
  if (error !== null) return <Problem of={error} retry={() => void query.refetch()} />;
  return (
    <div aria-busy="true">
      <span className="unseen" role="status">
        Loading
      </span>
      {['a', 'b', 'c'].map((key) => (
        <Skeleton key={key} height={112} radius="lg" mb="md" />
      ))}
    </div>
  );
}

export const reload = (name: string) => queries.invalidateQueries({ queryKey: [name] });
