import { describe, expect, test, vi } from 'vitest'
import { Problem } from '../api/problem'
import { answerAsked, confirmed } from './change'

const stale = new Problem(403, { code: 'stale_session' })

describe('a change that needs the password once more', () => {
  test('is made again after the person proved who they are', async () => {
    const change = vi.fn().mockRejectedValueOnce(stale).mockResolvedValueOnce('done')
    const result = confirmed(change)
    await vi.waitFor(() => { answerAsked(true); expect(change).toHaveBeenCalledTimes(2) })
    expect(await result).toBe('done')
  })
  test('is not made when they would rather not', async () => {
    const change = vi.fn().mockRejectedValueOnce(stale)
    const result = confirmed(change)
    const refused = expect(result).rejects.toMatchObject({ code: 'cancelled' })
    await new Promise((resolve) => setTimeout(resolve))
    answerAsked(false)
    await refused
    expect(change).toHaveBeenCalledTimes(1)
  })
  test('other refusals pass through', async () => {
    await expect(confirmed(() => Promise.reject(new Problem(403, { code: 'forbidden' })))).rejects.toMatchObject({ code: 'forbidden' })
  })
})
