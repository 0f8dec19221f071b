import { currentDeadlineMs, currentTraceparent, runWithoutDeadline } from '#platform/clients/deadline.ts';
import { inSpan } from '#platform/process/tracing.ts';
import type { Allocator } from './allocator.ts';

/**
 * Refuses requests that have not begun by their caller's deadline, and adds them to their caller's trace. A batch has
 * no deadline: it also answers others.
 */
export const keepDeadlines = ({ submit, stop }: Allocator): Allocator => ({
  submit(request) {
    const deadlineMs = currentDeadlineMs();
    return inSpan('allocate seats', currentTraceparent(), {}, ({ traceparent }) =>
      runWithoutDeadline(() => submit({ ...request, traceparent }, { deadlineMs })),
    );
  },
  stop,
});
