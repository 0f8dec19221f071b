import type { UseMutationResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { refusalIn, wordsFor } from '../words.ts';
import { Problem } from './states.tsx';

/** A form that passes its values to a mutation and shows why it was refused. */
export function Form<Result extends object>({
  action,
  children,
}: {
  action: UseMutationResult<Result, Error, Record<string, string>>;
  children: ReactNode;
}) {
  const refusal = refusalIn(action.data);
  const problem = action.error ?? (refusal?.field === undefined ? refusal : undefined);
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        action.mutate(Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>);
      }}
    >
      {children}
      {problem && <Problem of={problem} />}
    </form>
  );
}

/** Returns a function that makes the properties of a field, with the words of a refusal that is about it. */
export const useFields = (result: object | undefined) => {
  const refusal = refusalIn(result);
  return (name: string, label: string) => ({
    name,
    label,
    required: true,
    withAsterisk: false,
    size: 'md' as const,
    error: refusal?.field === `input.${name}` && wordsFor(refusal),
  });
};
