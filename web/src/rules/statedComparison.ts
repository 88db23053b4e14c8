import { documentOf } from './ruleInText'

/** How a correlation compares, as its own text states it: `gte`. */
export function statedComparison(text: string, id: string): string | undefined {
  return /(?:^|[\s{,])(gte|gt|lte|lt|eq|neq):\s*[\d.]+/m.exec(documentOf(text, id).replace(/^tests:[\s\S]*/m, ''))?.[1]
}
