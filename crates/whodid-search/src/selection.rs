//! Which rows of a part are still in question.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use parquet::arrow::arrow_reader::RowSelection;

/// A set of rows of one part.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    rows: usize,
    count: usize,
    /// `None`: all of them.
    mask: Option<BooleanBuffer>,
}

impl Selection {
    pub(crate) fn all(rows: usize) -> Self {
        Self { rows, count: rows, mask: None }
    }

    pub(crate) fn none(rows: usize) -> Self {
        Self { rows, count: 0, mask: Some(BooleanBuffer::new_unset(rows)) }
    }

    pub(crate) fn from_mask(mask: BooleanBuffer) -> Self {
        let (rows, count) = (mask.len(), mask.count_set_bits());
        if count == rows { Self::all(rows) } else { Self { rows, count, mask: Some(mask) } }
    }

    pub(crate) fn range(rows: usize, range: std::ops::Range<usize>) -> Self {
        if range == (0..rows) {
            return Self::all(rows);
        }
        let mut mask = BooleanBufferBuilder::new(rows);
        mask.append_n(range.start, false);
        mask.append_n(range.len(), true);
        mask.append_n(rows - range.end, false);
        Self::from_mask(mask.finish())
    }

    /// These rows, in any order.
    pub(crate) fn of_rows(rows: usize, of: &[u32]) -> Self {
        if of.len() == rows {
            return Self::all(rows);
        }
        let mut mask = BooleanBufferBuilder::new(rows);
        mask.append_n(rows, false);
        of.iter().for_each(|row| mask.set_bit(*row as usize, true));
        Self::from_mask(mask.finish())
    }

    /// Rows of the part.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Rows selected.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn is_all(&self) -> bool {
        self.mask.is_none()
    }

    /// The bits; `None` when all rows are selected.
    pub(crate) fn mask(&self) -> Option<&BooleanBuffer> {
        self.mask.as_ref()
    }

    /// The selected rows of which `bits`, one a row of the part, holds.
    pub(crate) fn and(&self, bits: &BooleanBuffer) -> Self {
        match &self.mask {
            None => Self::from_mask(bits.clone()),
            Some(mask) => Self::from_mask(mask & bits),
        }
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        match (&self.mask, &other.mask) {
            (None, _) | (_, None) => Self::all(self.rows),
            (Some(mask), Some(others)) => Self::from_mask(mask | others),
        }
    }

    /// The selected rows that `other` does not select.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        match &other.mask {
            None => Self::none(self.rows),
            Some(others) => self.and(&!others),
        }
    }

    /// The selected rows of which `bits`, one a selected row, holds.
    pub(crate) fn narrowed(&self, bits: &BooleanBuffer) -> Self {
        debug_assert_eq!(bits.len(), self.count);
        let Some(mask) = &self.mask else { return Self::from_mask(bits.clone()) };
        let mut narrowed = BooleanBufferBuilder::new(self.rows);
        narrowed.append_n(self.rows, false);
        for (at, row) in mask.set_indices().enumerate() {
            if bits.value(at) {
                narrowed.set_bit(row, true);
            }
        }
        Self::from_mask(narrowed.finish())
    }

    /// Calls `of` with each selected row, ascending.
    pub(crate) fn each(&self, of: impl FnMut(usize)) {
        match &self.mask {
            None => (0..self.rows).for_each(of),
            Some(mask) => mask.set_indices().for_each(of),
        }
    }

    /// The selected rows, ascending.
    pub(crate) fn positions(&self) -> Vec<u32> {
        match &self.mask {
            None => (0..self.rows as u32).collect(),
            Some(mask) => mask.set_indices().map(|row| row as u32).collect(),
        }
    }

    /// For the Parquet reader; `None` when all rows are selected.
    pub(crate) fn row_selection(&self) -> Option<RowSelection> {
        let mask = self.mask.as_ref()?;
        Some(RowSelection::from_consecutive_ranges(mask.set_slices().map(|(start, end)| start..end), self.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(selection: &Selection) -> Vec<u32> {
        selection.positions()
    }

    #[test]
    fn sets_of_rows_combine_as_sets_do() {
        let some = Selection::range(6, 1..4);
        let odd = BooleanBuffer::from(vec![false, true, false, true, false, true]);
        assert_eq!(rows(&some.and(&odd)), [1, 3]);
        assert_eq!(rows(&some.or(&Selection::from_mask(odd.clone()))), [1, 2, 3, 5]);
        assert_eq!(rows(&some.minus(&Selection::from_mask(odd))), [2]);
        assert_eq!(rows(&some.minus(&Selection::all(6))), Vec::<u32>::new());
        assert_eq!(rows(&some.narrowed(&BooleanBuffer::from(vec![true, false, true]))), [1, 3]);
        assert!(Selection::range(3, 0..3).is_all());
    }
}
